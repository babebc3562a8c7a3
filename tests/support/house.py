"""A whole house for a test: an authority on a store, a clock that can be put forward, and doors to what lies underneath."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from tallystick import Authority, Verifier
from tallystick.authority import jobs
from tallystick.authority.issued import SignedIn, Tokens
from tallystick.core.ids import ClientId
from tallystick.core.policy import DEFAULT, Policy, Staleness
from tallystick.core.secret import Secret
from tallystick.errors import TallystickError
from tallystick.identity.account import Account
from tallystick.oauth.client import Client
from tallystick.stores.memory.store import MemoryStore
from tallystick.stores.sql.sqlite_log import SqliteLog
from tallystick.stores.sql.sqlite_store import SqliteStore
from tallystick.verifier.clocks import SYSTEM, Clocks
from tests.support.gated_log import GatedLog

ISSUER = "https://notes.example/auth"
EXPORT = "https://export.example"
ADA = "ada@example.com"
BOB = "bob@example.com"
PASSWORD = "seven notches on a hazel stick"
NEW_PASSWORD = "eight notches on an ashen stick"
NETWORK = "203.0.113.9"
PERMISSIONS = frozenset({"notes:read", "notes:write"})
CALM = Staleness(beat_s=0.15)
"""The lease of every day, which a slow machine does not lapse by accident; beats come often, so that nobody waits."""
QUICK = Staleness(lease_s=0.6, beat_s=0.15, tick_slack_s=0.05)
"""A short lease, for tests that wait until one has lapsed."""
Kind = Literal["memory", "sqlite"]
KINDS: tuple[Kind, ...] = ("memory", "sqlite")


class Time:
    """The machine's clocks, put forward by as much as a test likes; for authority and verifiers alike."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.wall_only = 0.0
        self.stopped_at: int | None = None

    def now(self) -> int:
        """Gives the wall clock of an authority; it stands still between `stop` and `go_on`."""
        return int(self.wall()) if self.stopped_at is None else self.stopped_at

    def stop(self) -> None:
        """Makes the wall clock of the authority stand still, so that a slow machine changes nothing."""
        self.stopped_at = self.now()

    def go_on(self) -> None:
        """Lets it go on."""
        self.stopped_at = None

    def wall(self) -> float:
        """Gives the wall clock."""
        return time.time() + self.ahead + self.wall_only

    def boot(self) -> float:
        """Gives the boot clock."""
        return SYSTEM.boot() + self.ahead

    def clocks(self) -> Clocks:
        """Gives the clocks of a verifier."""
        return Clocks(self.boot, self.wall)


class CountingHasher:
    """A Hasher that only marks passwords, and counts what it was asked."""

    def __init__(self) -> None:
        self.hashed = 0
        self.verified: list[bool] = []
        self.trouble: Exception | None = None
        self.before_answer: Callable[[], Awaitable[None]] | None = None

    async def hash(self, password: str) -> str:
        """Marks a password."""
        self._trouble()
        self.hashed += 1
        return f"plain${password[::-1]}"

    async def verify(self, password: str, stored: str | None) -> bool:
        """Compares, and then waits if the test says so."""
        self._trouble()
        self.verified.append(stored is not None)
        right = stored == f"plain${password[::-1]}"
        if self.before_answer is not None:
            await self.before_answer()
        return right

    def needs_rehash(self, stored: str) -> bool:
        """Never."""
        return False

    async def close(self) -> None:
        """Has nothing to stop."""

    def _trouble(self) -> None:
        if self.trouble is not None:
            raise self.trouble


class Door:
    """A store in which a test can put trouble, or a pause, before or after any of its calls.

    Args:
        store: the real one.
    """

    def __init__(self, store: Any) -> None:
        self.store = store
        self.calls: list[str] = []
        self.commits: list[tuple[Any, ...]] = []
        self.logs: list[GatedLog] = []
        self.before: Callable[[str, int], Awaitable[None]] | None = None
        self.after: Callable[[str, int], Awaitable[None]] | None = None

    def log(self) -> GatedLog:
        """Gives a log for a follower, that a test can cut off."""
        self.logs.append(GatedLog(self.store.log()))
        return self.logs[-1]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.store, name)
        if not asyncio.iscoroutinefunction(found):
            return found

        async def call(*arguments: Any, **named: Any) -> Any:
            number = len(self.calls)
            self.calls.append(name)
            if name == "commit":
                self.commits.append(tuple(arguments[0]))
            if self.before is not None:
                await self.before(name, number)
            answer = await found(*arguments, **named)
            if self.after is not None:
                await self.after(name, number)
            return answer

        return call

    @contextmanager
    def with_before(self, act: Callable[[str, int], Awaitable[None]]) -> Iterator[None]:
        """Does something before each call, as long as the block lasts."""
        self.before, self.calls = act, []
        try:
            yield
        finally:
            self.before = None

    @contextmanager
    def with_after(self, act: Callable[[str, int], Awaitable[None]]) -> Iterator[None]:
        """Does something after each call that was done, as long as the block lasts."""
        self.after, self.calls = act, []
        try:
            yield
        finally:
            self.after = None


class Pause:
    """A place at which somebody waits until the test lets them go on."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def here(self) -> None:
        """Says that the place is reached, and waits; later callers pass."""
        if not self.reached.is_set():
            self.reached.set()
            await self.go_on.wait()

    async def run(self, paused: Awaitable[Any], meanwhile: Callable[[], Awaitable[Any]]) -> Any:
        """Runs something up to the place, then something else, then lets the first go on and gives its result."""
        task = asyncio.ensure_future(paused)
        waiting = asyncio.ensure_future(self.reached.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=10)
        waiting.cancel()
        assert self.reached.is_set(), f"the place was never reached: {task}"
        try:
            await meanwhile()
        finally:
            self.go_on.set()
        return await asyncio.wait_for(task, 20)


@dataclass
class House:
    """An authority that runs, and what a test needs beside it.

    Args:
        kind: memory or sqlite.
        folder: where its files are.
        authority: the authority.
        door: its store.
        time: its clock.
        hasher: its hashing pool.
        events: what was told.
    """

    kind: Kind
    folder: Path
    authority: Authority
    door: Door
    time: Time
    hasher: CountingHasher
    events: list[Any] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The URL of the SQLite store."""
        return store_url(self.folder)

    # ── people, clients ──────────────────────────────────────────────────────────────────────────────────────────

    async def person(self, email: str = ADA, permissions: frozenset[str] = PERMISSIONS) -> Account:
        """Makes an account."""
        return await self.authority.create_account(email, PASSWORD, permissions=permissions)

    async def app(self, name: str = "notes", **more: Any) -> ClientId:
        """Registers a first-party native app that may have every permission and ask for the export's audience."""
        chosen = {"kind": "native", "first_party": True, "scopes": sorted(PERMISSIONS), "audiences": [EXPORT], **more}
        client, _ = await self.authority.create_client(name, **chosen)
        return client.id

    async def service(self, name: str = "export", **more: Any) -> tuple[Client, str]:
        """Registers a service; gives it with its secret."""
        chosen = {"kind": "service", "scopes": ["notes:read"], "audiences": [EXPORT], **more}
        client, secret = await self.authority.create_client(name, **chosen)
        return client, revealed(secret)

    # ── credentials ──────────────────────────────────────────────────────────────────────────────────────────────

    async def sign_in(self, email: str = ADA, **more: Any) -> SignedIn:
        """Signs a browser in."""
        return await self.authority.sign_in(email, PASSWORD, network=NETWORK, **more)

    async def sign_in_app(self, client: ClientId, email: str = ADA, **more: Any) -> Tokens:
        """Signs an app in."""
        return await self.authority.sign_in_app(email, PASSWORD, client_id=client, network=NETWORK, **more)

    async def refresh(self, token: Secret | str | None, client: ClientId, **more: Any) -> Tokens:
        """Trades a refresh token."""
        return await self.authority.refresh(revealed(token), client_id=client, **{"network": NETWORK, **more})

    async def open_from(self, cookie: Secret, client: ClientId, **more: Any) -> Tokens:
        """Opens an app's session from a browser's."""
        chosen = {"scope": PERMISSIONS, **more}
        return await self.authority.open_from(cookie.reveal(), client_id=client, **chosen)

    async def mint(self, cookie: Secret, **more: Any) -> Tokens:
        """Mints an access token from a cookie."""
        return await self.authority.issue_access_token(cookie.reveal(), **more)

    # ── verifiers and time ───────────────────────────────────────────────────────────────────────────────────────

    def log(self) -> GatedLog:
        """Gives a log for another verifier: of this process on memory, with connections of its own on SQLite."""
        if self.kind == "memory":
            return GatedLog(self.door.store.log())
        return GatedLog(SqliteLog(database(self.folder), clock=self.time.now, boot=self.time.boot))

    def verifier(self, audience: str = ISSUER, **more: Any) -> Verifier:
        """Gives another verifier, not started."""
        return Verifier(
            ISSUER, audience=audience, follow=more.pop("follow", None) or self.log(), clocks=self.time.clocks(), **more
        )

    async def caught_up(self, *verifiers: Verifier) -> None:
        """Waits until the authority's verifier and others have applied the log and hold a lease again."""
        head = await self.door.store.head()
        for verifier in (self.authority.verifier, *verifiers):
            verifier.wake()
            await verifier.applied(head)
            await until(verifier.leased)

    async def beaten(self) -> None:
        """Waits until the authority's verifier has read the clocks again and heard the log since."""
        verifier = self.authority.verifier
        beats = verifier.state().counters["beats"]
        await until(lambda: verifier.state().counters["beats"] >= beats + 2 and verifier.leased())

    async def pass_time(self, seconds: float, *verifiers: Verifier) -> None:
        """Puts every clock forward and waits until the leases, which lapsed by it, are renewed."""
        await jobs.flush_uses(self.authority.world)
        self.time.ahead += seconds
        await self.caught_up(*verifiers)


class _Told:
    """Events that keep what they are told.

    Args:
        into: where.
    """

    def __init__(self, into: list[Any]) -> None:
        self._into = into

    def tell(self, events: Any, **_: Any) -> None:
        """Keeps events."""
        self._into.extend(events)


def database(folder: Path) -> Path:
    """Gives the path of the SQLite store in a folder."""
    return folder / "tallystick.db"


def store_url(folder: Path) -> str:
    """Gives the URL of the SQLite store in a folder."""
    return f"sqlite:///{database(folder)}"


def store_of(kind: Kind, folder: Path, clock: Time) -> MemoryStore | SqliteStore:
    """Gives a store of a kind that reads the test's clock."""
    if kind == "memory":
        return MemoryStore(clock=clock.now, boot=clock.boot)
    return SqliteStore(database(folder), clock=clock.now, boot=clock.boot)


def revealed(secret: Secret | str | None) -> str:
    """Gives the text of a secret that must be there."""
    assert secret is not None
    return secret.reveal() if isinstance(secret, Secret) else secret


async def code_of(call: Awaitable[Any]) -> str:
    """Gives `good`, or the code of the error that came of a call."""
    try:
        await call
    except TallystickError as error:
        return error.code
    return "good"


def verdict(verifier: Any, token: Secret) -> str:
    """Gives what a verifier, or the authority, says of an access token: `good`, or the code of its error."""
    try:
        verifier.verify(token.reveal())
    except TallystickError as error:
        return error.code
    return "good"


async def until(true: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Waits until something is true; fails after the time-out."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, f"not true after {timeout_s} s"
        await asyncio.sleep(0.002)


@asynccontextmanager
async def a_house(
    kind: Kind, folder: Path, policy: Policy = DEFAULT, *, at: Time | None = None, store: Any = None, **more: Any
) -> AsyncIterator[House]:
    """Runs an authority on a store of a kind; a folder that was used before is opened again."""
    clock, hasher, events = at or Time(), more.pop("hasher", None) or CountingHasher(), list[Any]()
    door = Door(store or store_of(kind, folder, clock))
    authority = Authority(
        ISSUER,
        door,  # type: ignore[arg-type]
        policy=policy if policy.staleness != DEFAULT.staleness else replace(policy, staleness=CALM),
        root_key_file=folder / "root.key",
        clock=clock,
        hasher=hasher,
        events=_Told(events),
        **more,
    )
    authority.world.clocks = clock.clocks()
    async with authority:
        yield House(kind, folder, authority, door, clock, hasher, events)
