"""The store on SQLite: one thread writes, several read, all transactions are those of the shared SQL."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from weakref import WeakSet

from tallystick.audit import AuditEntry
from tallystick.core.credentials.view import CookieFill
from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.keys.lifecycle import SigningKey
from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import Position, Revocation
from tallystick.core.secret import Digest
from tallystick.core.session.handle import Handle
from tallystick.core.session.model import Session
from tallystick.errors import Unavailable
from tallystick.identity.account import Account
from tallystick.identity.throttle import Attempts
from tallystick.oauth.client import Client
from tallystick.ports import Committed, Facts, Registered, Write
from tallystick.stores import clocks
from tallystick.stores.doubts import Doubts
from tallystick.stores.limits import HANDLES_AT_ONCE
from tallystick.stores.sql import audit_trail, handles, reads, sweeping, writes
from tallystick.stores.sql import log_transactions as of_log
from tallystick.stores.sql.commit import commit
from tallystick.stores.sql.engine import abandon
from tallystick.stores.sql.files import create_private, identity_of
from tallystick.stores.sql.lanes import Lane
from tallystick.stores.sql.opening import Site, lost, prepare, recover
from tallystick.stores.sql.sqlite_log import SqliteLog
from tallystick.stores.sql.transaction import Result, Transaction
from tallystick.stores.sql.workers import Reader, Writer
from tallystick.stores.sql.writes import batched

READERS = 3
"""Enough that a long list does not hold up the short reads."""
TOUCHES_AT_ONCE = 500
"""So that a flush of last uses does not hold up the commits."""


class SqliteStore:
    """A `Store` in a SQLite file. Building it does no I/O.

    Args:
        path: the database file; relative to the folder in which the process is when it opens the store.
        clock: gives the instant, whole seconds.
        boot: gives the boot clock, seconds.
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], int] = clocks.wall, boot: Callable[[], float] = clocks.boot
    ) -> None:
        self._path, self._clock, self._boot = path, clock, boot
        self._logs: WeakSet[SqliteLog] = WeakSet()
        self._staleness: Staleness | None = None
        self._read_lane: Lane | None = None
        self._write_lane: Lane | None = None
        self._closing: list[Callable[[], None]] = []
        self._doubts = Doubts(boot)
        self._pid = os.getpid()

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def open(self, staleness: Staleness) -> None:
        """Creates or migrates the file, compares the log header, starts the threads.

        A file that has lost entries of its log (an older copy, a journal that was deleted) is answered by a new epoch:
        everybody signs in again. Leases on what it was may live for LS, which is waited for.

        Raises:
            Misconfigured: the schema or the log header is not ours.
            Unavailable: the disk or the lock.
        """
        if self._read_lane is not None:
            await self.close()
        site = Site(self._path.absolute())
        create_private(site.path)
        self._closing.append(site.use.enter())
        try:
            await self._open(site, staleness)
        except BaseException:
            await self.close()
            raise

    async def _open(self, site: Site, staleness: Staleness) -> None:
        await asyncio.to_thread(prepare, site, staleness, self._clock())
        highest = await asyncio.to_thread(lost, site)
        if highest is not None:
            await asyncio.sleep(staleness.bound_s)
            await asyncio.to_thread(recover, site, highest, self._clock)
        self._staleness, self._doubts, self._pid = staleness, Doubts(self._boot), os.getpid()
        identity, lock = identity_of(site.path), site.lock()
        self._closing.append(lock.close)
        writer = Writer(site.path, identity, lock, site.mark, self._wake)
        self._closing.append(writer.close)
        readers = [Reader(site.path, identity) for _ in range(READERS)]
        self._closing.extend(reader.close for reader in readers)
        self._write_lane = Lane("writer", [writer.work], together=True)
        self._read_lane = Lane("reader", [reader.work for reader in readers], together=False)

    async def close(self) -> None:
        """Does what waits, stops the threads, closes the connections."""
        lanes, self._read_lane, self._write_lane = (self._read_lane, self._write_lane), None, None
        closing, self._closing = self._closing, []
        if self._pid != os.getpid():
            abandon(lanes, closing)
            return
        for lane in lanes:
            if lane is not None:
                await lane.stop()
        for close in closing:
            close()

    def log(self) -> SqliteLog:
        """Gives a log for a follower in this process; commits here wake it at once."""
        log = SqliteLog(self._path, clock=self._clock, boot=self._boot)
        self._logs.add(log)
        return log

    def _wake(self) -> None:
        for log in tuple(self._logs):
            log.wake()

    def _reads(self, begin: Callable[[], Transaction[Result]]) -> asyncio.Future[Result]:
        if self._read_lane is None:
            raise Unavailable("the store is not open")
        return self._read_lane.submit(begin)

    def _writes(
        self, begin: Callable[[], Transaction[Result]], *, durable: bool = True, wakes: bool = False
    ) -> asyncio.Future[Result]:
        if self._write_lane is None:
            raise Unavailable("the store is not open")
        return self._write_lane.submit(begin, durable=durable, wakes=wakes)

    @property
    def _bound_s(self) -> float:
        return 0.0 if self._staleness is None else self._staleness.bound_s

    # ── facts ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def facts_of_session(self, session: SessionId | Digest) -> Facts:
        """Loads a session by id or by a cookie's digest, with what it depends on."""
        return await self._reads(partial(reads.facts_of_session, session))

    async def facts_of_account(self, account: PrincipalId | str) -> Facts:
        """Loads an account by id or by identifier."""
        return await self._reads(partial(reads.facts_of_account, account))

    async def facts_of_client(self, client: ClientId) -> Facts:
        """Loads a client with its newest live service session."""
        return await self._reads(partial(reads.facts_of_client, client))

    async def facts_of_account_and_client(self, account: PrincipalId | str, client: ClientId) -> Facts:
        """Loads both."""
        return await self._reads(partial(reads.facts_of_account, account, client))

    async def resolve(self, digests: Sequence[Digest]) -> Sequence[CookieFill]:
        """Gives what cookie digests stand for, from narrow rows."""
        return await self._reads(partial(reads.resolve, digests, self._clock()))

    # ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def sessions_of(self, principal: PrincipalId) -> Sequence[Session]:
        """Gives a principal's sessions that stand, newest first."""
        return await self._reads(partial(reads.sessions_of, principal))

    async def sessions_opened_from(self, session: SessionId) -> Sequence[Session]:
        """Gives the sessions that were opened from one and stand, least recently used first."""
        return await self._reads(partial(reads.sessions_opened_from, session))

    async def accounts(self, after: str, limit: int) -> Sequence[Account]:
        """Gives accounts in order of identifier."""
        return await self._reads(partial(reads.accounts, after, limit))

    async def clients(self, after: str, limit: int) -> Sequence[Client]:
        """Gives clients in order of id."""
        return await self._reads(partial(reads.clients, after, limit))

    async def audiences(self) -> frozenset[str]:
        """Gives the audiences of enabled clients."""
        return await self._reads(reads.audiences)

    async def keys(self) -> tuple[tuple[SigningKey, ...], int]:
        """Gives all signing keys and the version of the set."""
        return await self._reads(reads.keys)

    async def attempts(self, keys: Sequence[str]) -> Sequence[Attempts]:
        """Gives the attempts kept under each key."""
        return await self._reads(partial(reads.attempts, tuple(keys)))

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def commit(self, writes: Sequence[Write], *, now: int, everywhere: bool = False) -> Committed:
        """Commits writes in order, all or nothing; durable when it returns."""
        return await self._writes(partial(commit, tuple(writes), now, everywhere=everywhere), wakes=everywhere)

    async def touch(self, uses: Mapping[SessionId, int]) -> None:
        """Moves idle clocks, never backwards."""
        for some in batched(uses.items(), TOUCHES_AT_ONCE):
            await self._writes(partial(writes.touch, some), durable=False)

    async def count(self, key: str, change: Callable[[Attempts], Attempts]) -> Attempts:
        """Changes the attempts kept under a key, atomically; gives them as they were."""
        return await self._writes(partial(writes.count, key, change), durable=False)

    async def setting(self, name: str, value: str | None = None) -> str | None:
        """Reads a setting; with a value, writes it first."""
        if value is None:
            return await self._reads(partial(reads.setting, name))
        return await self._writes(partial(writes.put_setting, name, value))

    # ── the log ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _registered(self) -> Sequence[Registered]:
        rows = await self._reads(reads.registry)
        self._doubts.see(rows)
        return rows

    async def registry(self) -> Mapping[str, Position]:
        """Gives each verifier that may hold a lease, and the position that it has acked."""
        rows = await self._registered()
        dead = set(self._doubts.dead(rows, self._bound_s))
        return {row.name: row.acked for row in rows if row not in dead}

    async def verifiers(self) -> Sequence[Registered]:
        """Gives every row of the registry."""
        return await self._registered()

    async def doubt(self, verifiers: Sequence[str]) -> None:
        """Marks verifiers: each must register again before its next lease, or is swept."""
        if verifiers:
            await self._writes(partial(of_log.doubt, tuple(verifiers)), durable=False, wakes=True)
            await self._registered()

    async def want_acks(self, position: Position) -> None:
        """Asks every verifier to ack a position that was appended before."""
        await self._writes(partial(of_log.want_acks, position), durable=False, wakes=True)

    async def find_handle(self, digest: Digest) -> Handle | None:
        """Finds a handle by its digest."""
        return await self._reads(partial(handles.find, digest))

    async def audit_page(self, after: int, limit: int) -> Sequence[AuditEntry]:
        """Gives entries of the audit trail after a place, in order."""
        return await self._reads(partial(audit_trail.page, after, limit))

    async def audit_recent(
        self, limit: int, *, before: int | None = None, principal: str | None = None
    ) -> Sequence[AuditEntry]:
        """Gives the newest entries of the audit trail, newest first."""
        return await self._reads(partial(audit_trail.recent, limit, before, principal))

    async def audit_head(self) -> tuple[int, bytes]:
        """Gives the place and the chain of the last entry of the audit trail."""
        return await self._reads(audit_trail.head)

    async def log_page(self, after: Position, limit: int) -> Sequence[Revocation]:
        """Gives entries after a position."""
        return await self._reads(partial(reads.log_page, after, limit))

    async def head(self) -> Position:
        """Gives the last position of the log."""
        return await self._reads(reads.head)

    async def recover(self, highest: Position) -> Position:
        """Begins a new epoch, with an entry for everything, unless one has begun after what was seen.

        Also when another file lies in the place of the database: the store opens that one.
        """
        if self._staleness is None:
            raise Unavailable("the store is not open")
        await self.open(self._staleness)
        position = await asyncio.to_thread(recover, Site(self._path.absolute()), highest, self._clock)
        self._wake()
        return position

    async def sweep(self, now: int, retention_s: int) -> int:
        """Removes what may be forgotten, a bounded part of it."""
        gone = await self._writes(partial(sweeping.sweep_sessions, now, retention_s), durable=False)
        gone += await self._writes(partial(sweeping.sweep_log, now, retention_s), durable=False)
        gone += await self._writes(partial(sweeping.sweep_attempts, now), durable=False)
        gone += await self._writes(partial(handles.sweep, now - retention_s, HANDLES_AT_ONCE), durable=False)
        rows = await self._registered()
        dead, silent = self._doubts.dead(rows, self._bound_s), self._doubts.to_ask(rows)
        if dead:
            gone += await self._writes(partial(sweeping.remove_dead, dead), durable=False)
        await self.doubt(silent)
        return gone
