"""SMTP: one connection for the letters that are due; TLS with checked certificates, or plain to this very host alone."""

from __future__ import annotations

import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, get_args

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPTimeoutError,
)

from tallystick.core.secret import Secret
from tallystick.errors import Misconfigured

Security = Literal["tls", "starttls", "none"]
PORTS: dict[Security, int] = {"tls": 465, "starttls": 587, "none": 25}
_PERMANENT = 500


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in.

    Args:
        host: its name; its certificate must be for it.
        port: 465 for `tls`, 587 for `starttls`, 25 for `none` if it is not given.
        security: `tls` from the first byte (RFC 8314 section 3.3), `starttls` before anything is said, or `none`, which
            is for a server on this very host.
        user: to sign in there as; None for nobody.
        password: of that user.
        ca_file: the certificates to trust, PEM; the system's if None.
        timeout_s: how long each step may take, seconds.

    Raises:
        Misconfigured: it would send mail or a password in the clear over a network, or something is missing.
    """

    host: str
    port: int | None = None
    security: Security = "starttls"
    user: str | None = None
    password: Secret | None = None
    ca_file: Path | None = None
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if not self.host or any(sign.isspace() or not sign.isprintable() for sign in self.host):
            raise Misconfigured("mail.host is no name of a host")
        if self.security not in get_args(Security):
            raise Misconfigured("mail.security is tls, starttls or none")
        if self.security == "none" and not is_loopback(self.host):
            raise Misconfigured(
                f"mail.security none is for a server on this host, not for {self.host}: use starttls or tls"
            )
        if (self.user is None) != (self.password is None):
            raise Misconfigured("mail.user and mail.password go together")
        if not 0.1 <= self.timeout_s <= 120:
            raise Misconfigured("mail.timeout_s must lie between 0.1 and 120")

    @property
    def where(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, PORTS[self.security] if self.port is None else self.port


def is_loopback(host: str) -> bool:
    """Tells whether a host is this one."""
    if host.lower() == "localhost":
        return True
    with suppress(ValueError):
        return ip_address(host.strip("[]")).is_loopback
    return False


class Refused(Exception):
    """The server will never take this letter.

    Args:
        code: what it answered (RFC 5321 section 4.2), 0 if it cannot even be offered. Its words are not kept: they
            quote addresses.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Trouble(Exception):
    """It did not work this time.

    Args:
        because: a stable word: `unreachable`, `slow`, `tls`, `sign-in`, `sender`, `busy`, `disconnected`.
    """

    def __init__(self, because: str) -> None:
        super().__init__(because)
        self.because = because


class SmtpTransport:
    """Hands letters to an SMTP server.

    Args:
        server: which one.

    Raises:
        Misconfigured: the certificates to trust cannot be read.
    """

    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        self._client: SMTP | None = None
        self._tls: ssl.SSLContext | None = None
        if server.security != "none":
            try:
                self._tls = ssl.create_default_context(cafile=server.ca_file)
            except OSError as error:
                raise Misconfigured(f"mail.ca_file cannot be read: {type(error).__name__}") from None
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2

    async def probe(self) -> None:
        """Connects and signs in, and sends nothing; raises Trouble with the word that says what is wrong."""
        await self._connected()
        await self.close()

    async def send(self, message: EmailMessage) -> None:
        """Sends one message over the open connection, or a new one.

        Raises:
            Refused: the server will never take it; the connection stays open.
            Trouble: not this time; the connection is closed.
        """
        client = await self._connected()
        try:
            await client.send_message(message)
        except SMTPException as error:
            refusal = _refusal(error)
            if refusal is not None:
                # The next letter begins with a clean slate (RFC 5321 section 4.1.1.5).
                with suppress(SMTPException, OSError):
                    await client.rset()
                raise refusal from None
            await self._abandon()
            raise Trouble(_because(error)) from None
        except OSError:
            await self._abandon()
            raise Trouble("disconnected") from None
        except BaseException:
            await self._abandon()
            raise

    async def close(self) -> None:
        """Says good-bye and closes the connection; never raises."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(SMTPException, OSError):
                await client.quit()
            client.close()

    async def _connected(self) -> SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        host, port = self.server.where
        secret = self.server.password
        client = SMTP(
            hostname=host,
            port=port,
            username=self.server.user,
            password=secret.reveal() if secret is not None else None,
            # Not the name of this machine, which is nobody's affair (RFC 5321 section 4.1.3 allows a literal).
            local_hostname="[127.0.0.1]",
            timeout=self.server.timeout_s,
            use_tls=self.server.security == "tls",
            start_tls=self.server.security == "starttls",
            tls_context=self._tls,
        )
        try:
            await client.connect()
        except BaseException as error:
            client.close()
            if isinstance(error, SMTPException | OSError):
                raise Trouble(_because(error, connecting=True)) from None
            raise
        self._client = client
        return client

    async def _abandon(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _refusal(error: SMTPException) -> Refused | None:
    """Gives the refusal of this one letter that an error is, if it is one."""
    if isinstance(error, SMTPNotSupported):
        return Refused(0)
    if isinstance(error, SMTPRecipientsRefused):
        codes = [one.code for one in error.recipients]
        return Refused(codes[0]) if codes and min(codes) >= _PERMANENT else None
    if isinstance(error, SMTPDataError) and error.code >= _PERMANENT:
        return Refused(error.code)
    return None


def _because(error: Exception, *, connecting: bool = False) -> str:
    match error:
        case SMTPAuthenticationError():
            return "sign-in"
        case SMTPSenderRefused():
            return "sender"
        case SMTPTimeoutError() | TimeoutError():
            return "slow"
        case SMTPResponseException() | SMTPRecipientsRefused():
            return "busy"
        case _:
            pass
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, ssl.SSLError):
            return "tls"
        chain = chain.__cause__ or chain.__context__
    if isinstance(error, SMTPNotSupported) or "STARTTLS" in str(error):
        return "tls"
    return "unreachable" if connecting else "disconnected"
