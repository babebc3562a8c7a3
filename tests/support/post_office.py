"""A real SMTP server on a free loopback port, in a thread of its own: it keeps what it is handed, refuses, fails or dawdles."""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
import time
import warnings
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Any, Literal, Self

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

Security = Literal["tls", "starttls", "none"]
_LINK = re.compile(r"https?://\S+[?]link=\S+")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as the server took it.

    Args:
        sender: of the envelope.
        recipients: of the envelope.
        raw: its bytes.
        at: the monotonic instant.
        over_tls: the connection was encrypted.
    """

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    at: float
    over_tls: bool

    @property
    def message(self) -> EmailMessage:
        """The message, parsed."""
        found = message_from_bytes(self.raw, policy=default)
        assert isinstance(found, EmailMessage)
        return found

    @property
    def subject(self) -> str:
        """Its subject."""
        return str(self.message["Subject"])

    def text(self, kind: str = "plain") -> str:
        """Gives the body, `plain` or `html`."""
        part = self.message.get_body((kind,))
        assert isinstance(part, EmailMessage)
        return str(part.get_content())

    @property
    def link(self) -> str:
        """The link that it carries, as a URL."""
        found = _LINK.search(self.text())
        assert found is not None, self.text()
        return found[0]


@dataclass
class PostOffice:
    """The server. What it does is changed while it runs.

    Args:
        security: as the client must ask for it.
        tls: the certificate, for `tls` and `starttls`.
        login: user and password that it demands; None for nobody's.
        unknown: recipients that it refuses for good.
        failures: how many further mails it answers with 451.
        wait_s: how long it takes for each mail.
        refused_data: it refuses every mail for good, after it has seen it.
        utf8: it offers SMTPUTF8 (RFC 6531).
    """

    security: Security = "none"
    tls: ssl.SSLContext | None = None
    login: tuple[str, str] | None = None
    unknown: set[str] = field(default_factory=set)
    failures: int = 0
    refused_data: bool = False
    wait_s: float = 0.0
    utf8: bool = True
    mails: list[Mail] = field(default_factory=list)
    sessions: int = 0
    asked: int = 0
    port: int = 0

    def __enter__(self) -> Self:
        started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(started))
        finally:
            self._loop.close()

    async def _serve(self, started: threading.Event) -> None:
        self._stopped = asyncio.Event()
        server = await self._loop.create_server(
            self._protocol, "127.0.0.1", self.port, ssl=self.tls if self.security == "tls" else None
        )
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stopped.wait()
        server.close()
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()
        await asyncio.sleep(0.05)

    def _protocol(self) -> SMTP:
        self.sessions += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return SMTP(
                self,
                hostname="post.example",
                enable_SMTPUTF8=self.utf8,
                require_starttls=self.security == "starttls",
                tls_context=self.tls if self.security == "starttls" else None,
                auth_required=self.login is not None,
                auth_require_tls=self.security == "starttls",
                authenticator=self._authenticate,
                loop=self._loop,
                timeout=30,
            )

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self.login, handled=False)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        """Takes or refuses a recipient."""
        if address in self.unknown:
            return f"550 5.1.1 <{address}> is not known here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Takes, refuses or delays a mail."""
        self.asked += 1
        if self.wait_s:
            await asyncio.sleep(self.wait_s)
        if self.failures > 0:
            self.failures -= 1
            return "451 4.3.0 try again"
        if self.refused_data:
            return "554 5.7.1 looks like spam"
        mail = Mail(
            envelope.mail_from,
            tuple(envelope.rcpt_tos),
            envelope.content,
            time.monotonic(),
            session.ssl is not None or self.security == "tls",
        )
        self.mails.append(mail)
        return "250 OK"

    def wait(self, count: int, timeout_s: float = 10.0) -> list[Mail]:
        """Waits until there are so many mails and gives them; for callers without a loop."""
        deadline = time.monotonic() + timeout_s
        while len(self.mails) < count:
            assert time.monotonic() < deadline, f"{len(self.mails)} of {count} mails after {timeout_s} s"
            time.sleep(0.01)
        return list(self.mails)

    async def until(self, count: int, timeout_s: float = 10.0) -> list[Mail]:
        """Waits until there are so many mails and gives them."""
        deadline = time.monotonic() + timeout_s
        while len(self.mails) < count:
            assert time.monotonic() < deadline, f"{len(self.mails)} of {count} mails after {timeout_s} s"
            await asyncio.sleep(0.01)
        return list(self.mails)
