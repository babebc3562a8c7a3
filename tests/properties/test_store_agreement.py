"""SQLite against memory: the same history gives the same answers and the same chain of the log."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tallystick.core.ids import ClientId
from tallystick.core.policy import Clocks
from tallystick.core.revocation.entry import ORIGIN, Ending, Kind, Position
from tallystick.core.revocation.feed import Beat
from tallystick.core.secret import Digest
from tallystick.core.session.decision import Append, EndSession, OpenSession, UpdateSession
from tallystick.core.session.model import AppHolder, Authentication, BrowserHolder, Session
from tallystick.errors import TallystickError
from tallystick.identity.throttle import Attempts
from tallystick.ports import PutAccount, PutClient, PutKeys, Store, Write
from tallystick.stores.memory.store import MemoryStore
from tallystick.stores.sql.sqlite_store import SqliteStore
from tallystick.testing import FakeClock
from tallystick.testing.stage import STALENESS, Stage, a_key, principal_id, session_id

PEOPLE = ("ada", "bob")
CLIENTS = ("notes-app", "export")
NAMES = tuple(f"s{number}" for number in range(5))
names, people, clients = st.sampled_from(NAMES), st.sampled_from(PEOPLE), st.sampled_from(CLIENTS)
kinds = st.sampled_from([kind for kind in Kind if kind is not Kind.SESSION])
R = STALENESS.retention_s


def told(error: BaseException) -> str:
    """Gives what a caller can see of an error."""
    return error.code if isinstance(error, TallystickError) else repr(error)


class Agreement(RuleBasedStateMachine):
    """Both stores live through the same history, each with rows of its own making."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._folder = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        clock = {"clock": self.clock.now, "boot": self.clock.boot}
        self.stores: list[Store] = [MemoryStore(**clock), SqliteStore(Path(self._folder.name) / "t.db", **clock)]
        self.stage = Stage(lambda: self.stores[0], self.clock)
        self.begun = self.clock.now()

    def run(self, story: Awaitable[Any]) -> Any:
        """Runs a coroutine."""
        return self._runner.run(story)  # type: ignore[arg-type]

    @initialize()
    def begin(self) -> None:
        """Opens both, with some people and clients."""
        for store in self.stores:
            self.run(store.open(STALENESS))
        for name in PEOPLE:
            self.commit(PutAccount(self.stage.an_account(name)))
        for name in CLIENTS:
            self.commit(PutClient(self.stage.a_client(name)))

    def teardown(self) -> None:
        """Closes both."""
        for store in self.stores:
            self.run(store.close())
        self._runner.close()
        self._folder.cleanup()

    def both(self, call: Callable[[Store], Awaitable[Any]]) -> Any:
        """Asks both and compares their answers, errors included."""

        async def asked(store: Store) -> Any:
            try:
                return await call(store)
            except (TallystickError, ValueError) as error:
                return told(error)

        first, second = (self.run(asked(store)) for store in self.stores)
        assert first == second
        return first

    def commit(self, *writes: Write, everywhere: bool = False) -> Any:
        """Commits to both."""
        now = self.clock.now()
        return self.both(lambda store: store.commit(writes, now=now, everywhere=everywhere))

    def row(self, name: str) -> Session | None:
        """Gives a session's row."""
        found: Session | None = self.run(self.stores[0].facts_of_session(session_id(name))).session
        return found

    # ── histories ────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(name=names, owner=people, back=st.integers(0, 3))
    def open_browser(self, name: str, owner: str, back: int) -> None:
        """Opens a browser's session, perhaps born long before now."""
        row = self.run(self.stage.a_browser(name, owner))
        self.commit(OpenSession(replace(row, born=self.earlier(back))))

    @rule(
        name=names, owner=people, client=clients, opener=st.none() | names, bound=st.booleans(), back=st.integers(0, 3)
    )
    def open_app(self, name: str, owner: str, client: str, opener: str | None, bound: bool, back: int) -> None:
        """Opens an app's session, perhaps from another."""
        row = replace(self.run(self.stage.an_app(name, owner, client)), born=self.earlier(back))
        parent = None if opener is None else self.row(opener)
        if parent is not None:
            row = replace(row, opened_from=parent.id, bound=bound)
        self.commit(OpenSession(row, raises=parent))

    @rule(name=names, client=clients, sole=st.booleans(), idle=st.sampled_from([60, 90 * 86400]))
    def open_service(self, name: str, client: str, sole: bool, idle: int) -> None:
        """Opens a service's session."""
        self.clock.pass_time(1)
        row = self.run(self.stage.a_service(name, client, clocks=Clocks(idle, 90 * 86400)))
        self.commit(OpenSession(row, sole=sole))

    def earlier(self, back: int) -> Position:
        """Gives a position a few entries before the head."""
        epoch, seq = self.run(self.stores[0].head())
        return Position(epoch, max(0, seq - back))

    @rule(name=names, stale=st.booleans(), reborn=st.booleans(), used=st.integers(-5, 5), cut=st.none() | kinds)
    def update(self, name: str, stale: bool, reborn: bool, used: int, cut: Kind | None) -> None:
        """Rotates or steps up, perhaps from an old row, perhaps with a cut in the same commit."""
        row = self.row(name)
        if row is None:
            return
        at = row.active_at + used
        match row.holder:
            case AppHolder(generation=generation):
                row = replace(row, holder=replace(row.holder, generation=generation + 1, rotated_at=at))
            case BrowserHolder(cookie=cookie):
                proof = Authentication(at, ("hwk",), "urn:tallystick:passkey")
                proofs = (*row.authentications, proof)[-3:]
                holder = BrowserHolder(Digest.of(f"{name} {row.version}"), cookie, at + 60, len(proofs) - 1)
                row = replace(row, holder=holder, authentications=proofs, opened_at=max(at, row.opened_at))
        row = replace(row, active_at=at, version=row.version - stale, ended=None)
        ends = () if cut is None else (Append(self.ending(cut, row.principal)),)
        self.commit(UpdateSession(row, reborn=reborn), *ends)

    def ending(self, kind: Kind, name: str) -> Ending:
        """Gives an ending of a kind."""
        return Ending(kind, "" if kind in (Kind.ALL, Kind.OUTDATED_ALL) else name)

    @rule(
        ended=st.lists(st.tuples(names, st.booleans(), st.booleans()), min_size=1, max_size=3), everywhere=st.booleans()
    )
    def end(self, ended: list[tuple[str, bool, bool]], everywhere: bool) -> None:
        """Ends sessions, some offline, some by their clock only."""
        self.commit(
            *(EndSession(session_id(name), "revoked", offline=off, logged=log) for name, off, log in ended),
            everywhere=everywhere,
        )

    @rule(kind=kinds, person=people, client=clients, everywhere=st.booleans())
    def cut(self, kind: Kind, person: str, client: str, everywhere: bool) -> None:
        """Appends any other ending."""
        name = client if kind in (Kind.CLIENT, Kind.KEY) else principal_id(person)
        self.commit(Append(self.ending(kind, name)), everywhere=everywhere)

    @rule(person=people, version=st.integers(0, 3), identifier=people, enabled=st.booleans())
    def put_account(self, person: str, version: int, identifier: str, enabled: bool) -> None:
        """Writes an account, perhaps of an old version, perhaps under the other's identifier."""
        row = self.stage.an_account(person, version=version, identifier=f"{identifier}@example.com", enabled=enabled)
        self.commit(PutAccount(row))

    @rule(client=clients, version=st.integers(0, 3), expecting=st.integers(0, 2))
    def put_client_and_keys(self, client: str, version: int, expecting: int) -> None:
        """Writes a client and the keys in one commit, either perhaps of an old version."""
        self.commit(PutClient(self.stage.a_client(client, version=version)), PutKeys((a_key(client),), expecting))

    @rule(name=names, after=st.integers(-9, 99))
    def touch(self, name: str, after: int) -> None:
        """Moves an idle clock."""
        at = self.clock.now() + after
        self.both(lambda store: store.touch({session_id(name): at}))

    @rule(name=people, failures=st.integers(0, 5))
    def count(self, name: str, failures: int) -> None:
        """Counts attempts."""
        now = self.clock.now()
        self.both(lambda store: store.count(name, lambda held: Attempts(held.failures + failures, now)))

    @rule(seconds=st.sampled_from([1, 61, 7200, 4 * R, 100 * 86400]))
    def pass_time(self, seconds: int) -> None:
        """Lets time pass."""
        self.clock.pass_time(seconds)

    @rule()
    def sweep(self) -> None:
        """Forgets what may be forgotten."""
        self.both(lambda store: store.sweep(self.clock.now(), R))

    @rule(beyond=st.integers(-1, 1))
    def recover(self, beyond: int) -> None:
        """Begins a new epoch, unless one has begun after what was seen."""
        head = self.run(self.stores[0].head())
        self.both(lambda store: store.recover(Position(head.epoch + beyond, 7)))

    # ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(name=names)
    def read_session(self, name: str) -> None:
        """Reads a session by its cookies, and what was opened from it."""
        self.both(lambda store: store.sessions_opened_from(session_id(name)))
        row = self.row(name)
        if row is not None and isinstance(row.holder, BrowserHolder):
            digests = [one for one in (row.holder.cookie, row.holder.previous, Digest.of("none")) if one is not None]
            self.both(lambda store: store.resolve(digests))
            for digest in digests:
                self.both(lambda store, one=digest: store.facts_of_session(one))

    @rule(person=people, client=clients)
    def read_lists(self, person: str, client: str) -> None:
        """Reads people, clients, keys and lists."""
        for call in (
            lambda store: store.facts_of_account(principal_id(person)),
            lambda store: store.facts_of_account(f"{person}@example.com"),
            lambda store: store.facts_of_client(ClientId(client)),
            lambda store: store.facts_of_account_and_client(principal_id(person), ClientId(client)),
            lambda store: store.sessions_of(principal_id(person)),
            lambda store: store.accounts("", 9),
            lambda store: store.clients("", 9),
            lambda store: store.audiences(),
            lambda store: store.keys(),
            lambda store: store.attempts(PEOPLE),
        ):
            self.both(call)

    @rule(back=st.integers(0, 3), lie=st.booleans())
    def follow(self, back: int, lie: bool) -> None:
        """Takes a snapshot and beats from some place of the log, perhaps with a chain that was never there."""
        entries = self.run(self.stores[0].log_page(ORIGIN, 10_000))
        place = entries[-1 - back] if len(entries) > back else None
        answers = []
        for store in self.stores:
            log = store.log()
            log.open()
            snapshot = log.snapshot()
            at, chain = (place.position, place.chain) if place else (snapshot.position, snapshot.chain)
            answers.append((snapshot, log.beat(Beat("me", 1, bytes(16), at, bytes(16) if lie else chain, at))))
            log.close()
        assert answers[0] == answers[1]

    @invariant()
    def same_rows_and_log(self) -> None:
        """Every session, with what it depends on, the head and the chain are the same."""

        async def everything(store: Store) -> list[Any]:
            rows = (store.facts_of_session(session_id(name)) for name in NAMES)
            return await asyncio.gather(*rows, store.head(), store.log_page(ORIGIN, 10_000))

        self.both(everything)


Agreement.TestCase.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


class TestAgreement(Agreement.TestCase):
    """Memory is the specification; SQLite does the same."""
