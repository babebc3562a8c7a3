"""The log on SQLite, for followers in any process of the host; it also says what cookies stand for.

Theory of operation. A beat is a read: one snapshot gives head, chain and what is new, and nothing is written. That is
enough on one host, since whatever was committed before the snapshot began is in it. Three things could make it lie, and
each is looked at in every beat: another file in the place of ours (the path no longer leads to what is open), an older
copy (the mark beside the file, or the follower's own place, is ahead of the head or contradicts its chain), and a row of
the registry that somebody doubts. An older copy is healed here: nobody gets a lease from it, and when LS has passed, so
that no lease on the lost log is left, the first who can takes the writer's lock and begins a new epoch.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock

from tallystick.core.credentials.view import CookieFill
from tallystick.core.keys.lifecycle import published
from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import Position
from tallystick.core.revocation.feed import Answer, Beat, Snapshot
from tallystick.core.secret import Digest
from tallystick.errors import Unavailable
from tallystick.stores import clocks
from tallystick.stores.sql import log_transactions as of_log
from tallystick.stores.sql import reads
from tallystick.stores.sql.engine import abandon, connect, run, snapshot, translated
from tallystick.stores.sql.files import identity_of
from tallystick.stores.sql.opening import Site, lost_since, recover
from tallystick.stores.sql.transaction import Result, Transaction

POLL_S = 0.01
"""How often a wait looks whether something was committed by another process."""


class SqliteLog:
    """A `Log` and a `CookieResolver` on the file of a `SqliteStore`. Building it does no I/O.

    Args:
        path: the database file; it must exist when the log is opened.
        clock: gives the instant, whole seconds.
        boot: gives the boot clock, seconds.
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], int] = clocks.wall, boot: Callable[[], float] = clocks.boot
    ) -> None:
        self._path, self._clock, self._boot = path, clock, boot
        self._woken = Event()
        self._reader: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._staleness = Staleness()
        self._lost: tuple[Position, float] | None = None
        self._resolver: tuple[tuple[int, int], sqlite3.Connection] | None = None
        self._resolving = Lock()
        self._pid = os.getpid()

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def open(self) -> Staleness:
        """Opens the file and gives the constants of the log header; Unavailable while there is no log in it."""
        self._close_reader()
        path = self._path.absolute()
        self._identity, self._reader = identity_of(path), connect(path, writes=False)
        try:
            found = self._read(of_log.staleness())
        except Unavailable as error:
            self._close_reader()
            raise Unavailable(f"the file is no store that was opened: {error.detail}") from error
        if found is None:
            self._close_reader()
            raise Unavailable("the store has not been opened yet")
        self._staleness = found
        return found

    def close(self) -> None:
        """Closes the connections; what was seen of a lost log is not forgotten."""
        self._close_reader()
        with self._resolving:
            if self._resolver is not None:
                self._resolver[1].close()
                self._resolver = None

    def _leave_parent(self) -> None:
        if self._pid != os.getpid():
            abandon(self._reader, self._resolver)
            self._reader, self._resolver, self._resolving, self._pid = None, None, Lock(), os.getpid()

    def _close_reader(self) -> None:
        self._leave_parent()
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _connection(self) -> sqlite3.Connection:
        if self._reader is None or self._pid != os.getpid():
            raise Unavailable("the log is not open in this process")
        return self._reader

    def _read(self, transaction: Transaction[Result]) -> Result:
        with translated():
            connection = self._connection()
            with snapshot(connection):
                return run(connection, transaction)

    @contextmanager
    def _writer(self) -> Iterator[sqlite3.Connection]:
        # Followers write seldom, so nothing is kept open for it. NORMAL: whoever follows dies with the power too.
        site = self._site()
        lock = site.lock()
        try:
            with lock.held(), translated():
                connection = connect(site.path, writes=True)
                try:
                    connection.execute("PRAGMA synchronous = NORMAL")
                    connection.execute("BEGIN IMMEDIATE")
                    yield connection
                    connection.execute("COMMIT")
                finally:
                    connection.close()
        finally:
            lock.close()

    def _write(self, transaction: Transaction[Result]) -> Result:
        self._demand_same()
        with self._writer() as connection:
            return run(connection, transaction)

    def _site(self) -> Site:
        return Site(self._path.absolute())

    def _demand_same(self) -> None:
        if identity_of(self._path.absolute()) != self._identity:
            raise Unavailable("another file was put in the place of the database")

    # ── following ────────────────────────────────────────────────────────────────────────────────────────────────

    def register(self, verifier: str) -> None:
        """Writes the verifier's row, or takes the doubt from it."""
        self._write(of_log.register(verifier))

    def ack(self, verifier: str, applied: Position) -> bool:
        """Writes what the verifier has applied; False if its row is gone."""
        return self._write(of_log.ack(verifier, applied))

    def deregister(self, verifier: str) -> None:
        """Removes the verifier's row."""
        self._write(of_log.deregister(verifier))

    def snapshot(self) -> Snapshot:
        """Gives a fold of the log; Unavailable while it is known to have lost entries."""
        self._heal()
        if self._lost is not None:
            raise Unavailable("the log has lost entries: a new epoch will begin", retry_after_s=self._staleness.bound_s)
        return self._read(of_log.snapshot(self._clock(), self._staleness.retention_s))

    def beat(self, beat: Beat) -> Answer:
        """Answers a beat from a snapshot that begins after the call."""
        self._heal()
        answer, relation = self._read(of_log.beat(beat))
        if relation.forked and beat.applied.epoch >= answer.head.epoch:
            self._lose(max(beat.applied, answer.head))
        if self._lost is not None:
            return replace(answer, forked=True, entries=(), more=False)
        return answer

    def _lose(self, highest: Position) -> None:
        since = self._boot() if self._lost is None else self._lost[1]
        self._lost = (highest if self._lost is None else max(highest, self._lost[0])), since

    def _heal(self) -> None:
        """Looks whether the log is still the one it was, and begins a new epoch when it is not and LS has passed."""
        if identity_of(self._path.absolute()) != self._identity:
            self.open()
        marked = self._site().mark.read()
        with translated():
            highest = lost_since(self._connection(), marked)
            if highest is not None:
                self._lose(highest)
            if self._lost is None:
                return
            lost, since = self._lost
            if self._read(reads.head()).epoch > lost.epoch:
                self._lost = None
            elif self._boot() - since > self._staleness.bound_s:
                recover(self._site(), lost, self._clock)
                self._lost = None

    def version(self) -> int:
        """Gives a number that changes with every commit of another connection."""
        with translated():
            row = self._connection().execute("PRAGMA data_version").fetchone()
        return int(row[0])

    def wait(self, version: int, timeout_s: float) -> None:
        """Returns at the next commit, when woken, or after the time-out."""
        deadline = time.monotonic() + timeout_s
        while not self._woken.is_set():
            left = deadline - time.monotonic()
            if left <= 0 or self.version() != version:
                return
            self._woken.wait(min(POLL_S, left))
        self._woken.clear()

    def wake(self) -> None:
        """Makes a `wait` return now; safe from any thread."""
        self._woken.set()

    def key_set(self) -> bytes:
        """Gives the published key set."""
        keys, _ = self._read(reads.keys())
        return published(keys)

    # ── cookies ──────────────────────────────────────────────────────────────────────────────────────────────────

    def resolve(self, digests: Sequence[Digest]) -> Sequence[CookieFill]:
        """Gives what cookie digests stand for, all in one snapshot; safe from any thread."""
        path = self._path.absolute()
        self._leave_parent()
        with self._resolving, translated():
            identity = identity_of(path)
            if self._resolver is None or self._resolver[0] != identity:
                if self._resolver is not None:
                    self._resolver[1].close()
                self._resolver = identity, connect(path, writes=False)
            connection = self._resolver[1]
            with snapshot(connection):
                return run(connection, reads.resolve(digests, self._clock()))
