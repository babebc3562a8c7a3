"""TLS of the server itself: modern only, and a certificate that is renewed while it serves.

Theory of operation. The listener keeps one context for ever. Every handshake asks it who it is, and that moment puts the
newest good pair in its place, so a renewal changes what the next handshake shows and touches no connection that is open.
A new pair is loaded whole into a context of its own before it is used: where it cannot be read, does not belong together,
or its key is open to others, the old pair stays and the log says why, once for each change of the files. Each worker looks
at the files by itself once a second, and at once on SIGHUP.
"""

from __future__ import annotations

import logging
import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from tallystick.errors import Misconfigured

LOOK_EVERY_S = 1.0
HANDSHAKE_S = 10.0
"""How long a handshake may take before the connection is given up."""
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""TLS 1.2: forward secrecy and AEAD only. Those of TLS 1.3 are all both."""
_NO_GROUP_WRITES = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO
_NOT_ENCRYPTED = "the TLS key file {} is encrypted, and there is nobody to ask for the passphrase: store it without one"
_log = logging.getLogger("tallystick.server")


def context_of(certificate: Path, key: Path) -> ssl.SSLContext:
    """Loads a certificate with its chain and its key; gives a context that speaks TLS 1.2 and 1.3.

    Raises:
        Misconfigured: they cannot be read, do not belong together, or the key is open to others; the message names the
            file and never quotes it.
    """
    _demand_private(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    # No tickets in TLS 1.2: who steals their key could read what was recorded (RFC 7525 section 3.4).
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_SINGLE_ECDH_USE
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        raise Misconfigured(_why(error, certificate, key)) from None
    except OSError as error:
        raise Misconfigured(f"the TLS files {certificate} and {key} cannot be read: {error.strerror}") from None
    return context


def _why(error: ssl.SSLError, certificate: Path, key: Path) -> str:
    match error.reason:
        case "KEY_VALUES_MISMATCH" | "KEY_TYPE_MISMATCH":
            return (
                f"the TLS key {key} is not the key of the first certificate in {certificate}: the server's own "
                "certificate comes first, then the chain"
            )
        case "BAD_PASSWORD_READ" | "BAD_DECRYPT" | "PROBLEMS_GETTING_PASSWORD":
            return _NOT_ENCRYPTED.format(key)
        case "EE_KEY_TOO_SMALL" | "CA_KEY_TOO_SMALL" | "CA_MD_TOO_WEAK":
            return f"the TLS certificate {certificate} has a key or a signature that is too weak ({error.reason})"
    try:
        chain = certificate.read_bytes()
        x509.load_pem_x509_certificates(chain)
    except (OSError, ValueError):
        return f"the TLS certificate {certificate} is no certificate in PEM"
    if b"ENCRYPTED" in key.read_bytes()[:2048]:
        return _NOT_ENCRYPTED.format(key)
    return f"the TLS key {key} is no private key in PEM, or not that of {certificate}"


def _demand_private(key: Path) -> None:
    try:
        found = key.stat()
    except OSError as error:
        raise Misconfigured(f"the TLS key {key} cannot be read: {error.strerror}") from None
    # A group may read it, since secrets are handed to servers that way; nobody else may do anything.
    if found.st_mode & _NO_GROUP_WRITES:
        raise Misconfigured(f"the TLS key file {key} is open to others: chmod 600 {key}")


class Renewing:
    """A certificate that may be renewed.

    Args:
        certificate: the file of it and its chain.
        key: the file of its key.
        host: the name that clients will ask for; a certificate for another is complained about.

    Raises:
        Misconfigured: the pair cannot be used now.
    """

    def __init__(self, certificate: Path, key: Path, host: str = "") -> None:
        self._certificate, self._key, self._host = certificate.absolute(), key.absolute(), host
        self._seen = self._look()
        self._newest = context_of(self._certificate, self._key)
        self.listening = context_of(self._certificate, self._key)
        self.listening.sni_callback = self._choose
        self._complain()

    def _choose(self, handshake: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        handshake.context = self._newest

    def _look(self) -> tuple[object, ...]:
        return tuple(_state_of(path) for path in (self._certificate, self._key))

    def renew(self, *, at_once: bool = False) -> bool:
        """Takes the pair as the files have it now, if they changed; tells whether it did.

        Args:
            at_once: also where nothing seems to have changed.
        """
        seen = self._look()
        if seen == self._seen and not at_once:
            return False
        self._seen = seen
        try:
            fresh = context_of(self._certificate, self._key)
        except Misconfigured as error:
            _log.error("the TLS certificate is not renewed, the old one stays: %s", error.detail)
            return False
        self._newest = fresh
        _log.info("the TLS certificate was read again: %s", self._certificate)
        self._complain()
        return True

    def _complain(self) -> None:
        """Says in the log what clients will say of the certificate."""
        found = x509.load_pem_x509_certificates(self._certificate.read_bytes())[0]
        now = datetime.now(UTC)
        if found.not_valid_after_utc <= now:
            _log.error("the TLS certificate expired at %s", found.not_valid_after_utc.isoformat())
        elif found.not_valid_before_utc > now:
            _log.error("the TLS certificate is not valid before %s", found.not_valid_before_utc.isoformat())
        if self._host and not covers(found, self._host):
            _log.error("the TLS certificate is not for %s", self._host)


def covers(certificate: x509.Certificate, host: str) -> bool:
    """Tells whether a certificate is for a host (RFC 9525 section 6: names among its subject alternative names only).

    Args:
        certificate: the server's own.
        host: a name in lower case, or an address.
    """
    try:
        names = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        return False
    assert isinstance(names, x509.SubjectAlternativeName)
    plain = {name.lower() for name in names.get_values_for_type(x509.DNSName)}
    addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    return bool({host, f"*.{host.partition('.')[2]}"} & plain) or host in addresses


def _state_of(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode
