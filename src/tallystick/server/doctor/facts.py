"""The facts that the doctor judges: plain values, so that every rule can be tried without the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file or folder as the kernel tells of it.

    Args:
        path: where.
        exists: whether it is there.
        mode: its permission bits.
        problem: why its content cannot be used; empty if it can, or if nobody looked.
    """

    path: str
    exists: bool = True
    mode: int = 0o600
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """The file system that a folder lies on.

    Args:
        folder: the folder of the database.
        kind: its type as the kernel calls it, such as `ext4` or `nfs4`.
        free: bytes that may still be written.
        total: bytes there are.
        writable: whether this process may write the folder and what is in it.
    """

    folder: str
    kind: str
    free: int
    total: int
    writable: bool = True


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What stands in a database, read without changing it.

    Args:
        applied: number, name and checksum of each migration that it has.
        issuer: the issuer that it was first served under.
        newest_at: the latest instant of its log, in seconds; 0 if there is none.
        lost: whether its log lacks entries that had been there.
        opens: whether the root key opens what is sealed in it; None if nobody could try.
        administrators: how many accounts are enabled and administrators; None if the schema could not tell.
        kids: the keys that are published, with the instant of their announcement.
    """

    applied: tuple[tuple[int, str, str], ...] = ()
    issuer: str | None = None
    newest_at: int = 0
    lost: bool = False
    opens: bool | None = None
    administrators: int | None = None
    kids: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for a GET.

    Args:
        url: that was asked for.
        status: the status code.
        headers: lower-case name → values in order.
        body: the JSON object, empty if it was none.
        sent_at: when it was asked, seconds by this host's wall clock.
        got_at: when it had come.
        local: this end of the connection, as `address port`.
    """

    url: str
    status: int
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    sent_at: float = 0.0
    got_at: float = 0.0
    local: str = ""

    def header(self, name: str) -> str:
        """Gives the values of a header, joined as RFC 9110 section 5.3 says; empty if it is not there."""
        return ", ".join(self.headers.get(name, ()))


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """The certificate that a host shows.

    Args:
        host: that was visited.
        not_after: when it ends, in seconds.
        names: for which hosts it is.
        problem: what OpenSSL says about it; empty if it is trusted for this host.
        mismatch: whether the problem is the host's name.
    """

    host: str
    not_after: int
    names: tuple[str, ...] = ()
    problem: str = ""
    mismatch: bool = False


@dataclass(frozen=True, slots=True)
class MailFacts:
    """What a mail server said.

    Args:
        host: of it.
        port: of it.
        security: that the settings name: `none`, `starttls` or `tls`.
        problem: why there was no talk; empty if there was.
        security_problem: why there was no security; empty if there was, or none was wanted.
    """

    host: str
    port: int
    security: str
    problem: str = ""
    security_problem: str = ""


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What a visitor of a URL sees.

    Args:
        url: that is visited.
        metadata: the metadata below the URL.
        outside: the metadata where RFC 8414 section 3.1 has clients look; None for a URL without a path.
        key_set: the public keys.
        metrics: the metrics, asked for without a credential.
        mirrors: what the server itself saw of several requests.
        spoofed: what it saw of one that lies about where it comes from.
        tls: of a URL with https.
    """

    url: str
    metadata: Answer | None = None
    outside: Answer | None = None
    key_set: Answer | None = None
    metrics: Answer | None = None
    mirrors: tuple[Answer, ...] = ()
    spoofed: Answer | None = None
    tls: TlsFacts | None = None
