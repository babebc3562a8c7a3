"""Durable state, as a protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from tallystick.audit import AuditEntry
from tallystick.core.credentials.view import CookieFill
from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.keys.lifecycle import SigningKey
from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import Position, Revocation
from tallystick.core.revocation.feed import Log
from tallystick.core.secret import Digest
from tallystick.core.session.handle import Handle
from tallystick.core.session.model import Session
from tallystick.identity.account import Account
from tallystick.identity.throttle import Attempts
from tallystick.oauth.client import Client
from tallystick.ports.facts import Committed, Facts, Registered
from tallystick.ports.writes import Write


class Store(Protocol):
    """Durable state. Every method may raise Unavailable; a commit is all or nothing and durable when it returns."""

    async def open(self, staleness: Staleness) -> None:
        """Opens connections, migrates or refuses an old schema, writes or compares the log header (Misconfigured)."""

    async def close(self) -> None:
        """Closes connections."""

    async def facts_of_session(self, session: SessionId | Digest) -> Facts:
        """Loads a session by id or by the digest of a cookie (current or previous), with what it depends on."""

    async def facts_of_account(self, account: PrincipalId | str) -> Facts:
        """Loads an account by id or by canonical identifier; a PrincipalId is never taken for an identifier."""

    async def facts_of_client(self, client: ClientId) -> Facts:
        """Loads a client, and as `session` its newest live service session."""

    async def facts_of_account_and_client(self, account: PrincipalId | str, client: ClientId) -> Facts:
        """Loads both, for a sign-in that opens an app's session."""

    async def sessions_of(self, principal: PrincipalId) -> Sequence[Session]:
        """Gives a principal's sessions that have not ended and are none older than a cut, newest first, at most 1,000."""

    async def sessions_opened_from(self, session: SessionId) -> Sequence[Session]:
        """Gives the live sessions that were opened from one, bound or not, least recently used first."""

    async def accounts(self, after: str, limit: int) -> Sequence[Account]:
        """Gives accounts in order of identifier, beginning after one."""

    async def clients(self, after: str, limit: int) -> Sequence[Client]:
        """Gives clients in order of id, beginning after one."""

    async def audiences(self) -> frozenset[str]:
        """Gives the audiences that enabled clients have registered."""

    async def keys(self) -> tuple[tuple[SigningKey, ...], int]:
        """Gives all signing keys and the version of the set."""

    async def commit(self, writes: Sequence[Write], *, now: int, everywhere: bool = False) -> Committed:
        """Commits writes in order, all or nothing: rows, durable cuts, log entries.

        Args:
            writes: what to write; endings take along what is bound to their target.
            now: the instant to write as `ended_at`, `appended_at`.
            everywhere: ask every verifier to ack the last entry.

        Raises:
            Conflict: a compare-and-swap was lost; nothing was written.
            AlreadyExists: an identifier is taken; nothing was written.
            Unavailable: the store is in trouble; nothing was written or (said in detail) the outcome is unknown.
        """

    async def touch(self, uses: Mapping[SessionId, int]) -> None:
        """Moves idle clocks (session → instant of last use), never backwards; raises no version."""

    async def count(self, key: str, change: Callable[[Attempts], Attempts]) -> Attempts:
        """Applies a pure change to the attempts kept under a key, atomically; gives them as they were before."""

    async def attempts(self, keys: Sequence[str]) -> Sequence[Attempts]:
        """Gives the attempts kept under each key."""

    async def resolve(self, digests: Sequence[Digest]) -> Sequence[CookieFill]:
        """Gives what each cookie digest stands for; all in one read."""

    async def registry(self) -> Mapping[str, Position]:
        """Gives each registered verifier and the position that it has acked."""

    async def verifiers(self) -> Sequence[Registered]:
        """Gives every row of the registry, the doubted and the dead too, in order of name."""

    async def doubt(self, verifiers: Sequence[str]) -> None:
        """Marks verifiers that did not ack in time: each must register again before its next lease, or is swept."""

    async def want_acks(self, position: Position) -> None:
        """Asks every verifier to ack a position that was appended before."""

    async def find_handle(self, digest: Digest) -> Handle | None:
        """Finds a handle by its digest, consumed or not, until it is swept."""

    async def audit_page(self, after: int, limit: int) -> Sequence[AuditEntry]:
        """Gives entries of the audit trail after a place, in order."""

    async def audit_recent(
        self, limit: int, *, before: int | None = None, principal: str | None = None
    ) -> Sequence[AuditEntry]:
        """Gives the newest entries of the audit trail, newest first: those before a place, those of one principal."""

    async def audit_head(self) -> tuple[int, bytes]:
        """Gives the place and the chain of the last entry of the audit trail; 0 and GENESIS if there is none."""

    async def log_page(self, after: Position, limit: int) -> Sequence[Revocation]:
        """Gives entries of the log after a position."""

    async def head(self) -> Position:
        """Gives the last position of the log."""

    async def recover(self, highest: Position) -> Position:
        """Begins a new epoch with an entry for everything, because the log has lost entries that somebody has seen (an
        older copy was put back). Nothing is done if an epoch has begun after `highest`. Gives the head.

        Args:
            highest: the highest position that was seen. The caller has waited LS since it noticed.
        """

    async def sweep(self, now: int, retention_s: int) -> int:
        """Removes what may be forgotten: session rows whose hard end is longer ago than the retention, entries that
        a snapshot covers, dead verifiers, decayed attempts, handles whose time is longer over than the retention. Gives
        how many rows went. Bounded per call."""

    async def setting(self, name: str, value: str | None = None) -> str | None:
        """Reads a small setting kept beside the data (such as the issuer); with a value, writes it first."""

    def log(self) -> Log:
        """Gives a log for a follower in this process; it opens its own connections."""
