"""What the use cases need of the world, as protocols. Their implementations meet only here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tallystick.core.credentials.view import CookieFill
from tallystick.core.ids import ClientId, KeyId, PrincipalId, SessionId
from tallystick.core.keys.lifecycle import SigningKey
from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import ORIGIN, Position, Revocation
from tallystick.core.revocation.feed import Log
from tallystick.core.secret import Digest
from tallystick.core.session.decision import Change, Event
from tallystick.core.session.model import Session
from tallystick.identity.account import Account
from tallystick.identity.throttle import Attempts
from tallystick.oauth.client import Client


@dataclass(frozen=True, slots=True)
class Cuts:
    """The newest durable cut for each thing that a session depends on; ORIGIN where there is none.

    Args:
        principal: of its principal.
        client: of its client.
        everything: of all sessions.
    """

    principal: Position = ORIGIN
    client: Position = ORIGIN
    everything: Position = ORIGIN

    @property
    def newest(self) -> Position:
        """What a session must be born at or after."""
        return max(self.principal, self.client, self.everything)


@dataclass(frozen=True, slots=True)
class Facts:
    """What one read gave: the position first, the rows next, the cuts last (one snapshot where the store has one).

    Args:
        position: the head of the log before any row was read.
        session: the session asked for, if there is one.
        opener: the session that it was opened from, if there is one.
        account: the account asked for, or the session's.
        client: the client asked for, or the session's.
        cuts: the cuts that concern the session's (else the account's, else the client's) principal and client.
    """

    position: Position
    session: Session | None = None
    opener: Session | None = None
    account: Account | None = None
    client: Client | None = None
    cuts: Cuts = field(default_factory=Cuts)


@dataclass(frozen=True, slots=True)
class PutAccount:
    """Insert (version 0) or replace an account; Conflict if the stored version differs.

    Args:
        account: the row to be, carrying the version that was loaded; it is written with version + 1. A second account
            with the same identifier is AlreadyExists.
    """

    account: Account


@dataclass(frozen=True, slots=True)
class PutClient:
    """Insert (version 0) or replace a client; Conflict if the stored version differs.

    Args:
        client: the row to be, carrying the version that was loaded; it is written with version + 1.
    """

    client: Client


@dataclass(frozen=True, slots=True)
class PutKeys:
    """Replace the signing keys as a whole; Conflict if they changed since they were loaded.

    Args:
        keys: all keys that are still known, whatever their state.
        expecting: the version of the set that was loaded.
    """

    keys: tuple[SigningKey, ...]
    expecting: int


Write = Change | PutAccount | PutClient | PutKeys


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit gave.

    Args:
        position: the last entry that it appended, or the head of the log if it appended none. When it only ended what
            had ended before, the position of that ending.
        revocations: the entries that it appended, in order.
        sessions: the rows it wrote as they are now (opened and updated ones, not the ended ones), by id.
    """

    position: Position
    revocations: tuple[Revocation, ...] = ()
    sessions: Mapping[SessionId, Session] = field(default_factory=dict)


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

    async def doubt(self, verifiers: Sequence[str]) -> None:
        """Marks verifiers that did not ack in time: each must register again before its next lease, or is swept."""

    async def want_acks(self, position: Position) -> None:
        """Asks every verifier to ack a position that was appended before."""

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
        a snapshot covers, dead verifiers, decayed attempts. Gives how many rows went. Bounded per call."""

    async def setting(self, name: str, value: str | None = None) -> str | None:
        """Reads a small setting kept beside the data (such as the issuer); with a value, writes it first."""

    def log(self) -> Log:
        """Gives a log for a follower in this process; it opens its own connections."""


class Clock(Protocol):
    """Time, of two kinds."""

    def now(self) -> int:
        """Gives the wall clock, whole seconds since 1970, never going backwards within a process."""

    def boot(self) -> float:
        """Gives the clock that counts since boot, suspend included, in seconds."""


class Entropy(Protocol):
    """Randomness of the kernel."""

    def bytes(self, n: int) -> bytes:
        """Gives n random bytes."""


class Hasher(Protocol):
    """Slow hashes for passwords that people choose, in a bounded pool."""

    async def hash(self, password: str) -> str:
        """Hashes a normalised password; raises Overloaded before any work when the queue is full."""

    async def verify(self, password: str, stored: str | None) -> bool:
        """Tells whether a password matches; with None it spends the same time and says False. May raise Overloaded."""

    def needs_rehash(self, stored: str) -> bool:
        """Tells whether a stored hash is of an older kind or cheaper than today's parameters."""

    async def close(self) -> None:
        """Stops the pool."""


class Signer(Protocol):
    """Private keys at work. It knows which key is active."""

    def sign(self, claims: Mapping[str, object]) -> str:
        """Signs the claims of an access token with the active key and gives its compact form (typ `at+jwt`)."""

    def load(self, keys: Sequence[SigningKey]) -> None:
        """Takes the keys as the store has them; the active one signs from now on."""

    def generate(self, algorithm: str, now: int) -> SigningKey:
        """Makes a new key pair, its private half sealed, in state `announced`."""

    def shared_key_set(self) -> dict[str, object] | None:
        """Gives the symmetric keys (HS256) as a JWKS for verifiers of the same trust domain; None if there are none."""

    @property
    def active(self) -> KeyId | None:
        """The key that signs now."""


class Sealer(Protocol):
    """Authenticated encryption under the root key, bound to a purpose."""

    def seal(self, purpose: str, plain: bytes) -> bytes:
        """Seals bytes for one purpose."""

    def unseal(self, purpose: str, sealed: bytes) -> bytes:
        """Opens what was sealed for that purpose; raises Misconfigured if the root key or purpose differs."""

    def refresh_masters(self) -> Mapping[int, bytes]:
        """Gives the master keys of refresh tokens, version → 32 bytes, derived from the root keys; the newest signs."""


class Events(Protocol):
    """Where events go, after the commit."""

    def tell(
        self, events: Sequence[Event], *, principal: PrincipalId | None = None, client: ClientId | None = None
    ) -> None:
        """Takes events; never raises, never blocks."""
