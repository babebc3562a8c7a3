"""What the threads of a SQLite store do with a batch of jobs: one writes, several read."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tallystick.core.revocation.entry import Revocation
from tallystick.errors import Unavailable
from tallystick.ports import Committed
from tallystick.stores.sql import failpoint
from tallystick.stores.sql.engine import connect, leaves_state_unknown, ours, run, run_watched, snapshot
from tallystick.stores.sql.files import Mark, WriterLock, identity_of
from tallystick.stores.sql.lanes import Failure, Job

_log = logging.getLogger("tallystick.stores")


class Reader:
    """Runs batches of reads, each batch in one snapshot that begins after its last job was handed in.

    Args:
        path: the database file.
        identity: which file it was when the store was opened.
    """

    def __init__(self, path: Path, identity: tuple[int, int]) -> None:
        self._path, self._identity = path, identity
        self._connection = connect(path, writes=False)

    def work(self, jobs: Sequence[Job[Any]]) -> Sequence[Any]:
        """Runs a batch."""
        _demand_same(self._path, self._identity)
        with snapshot(self._connection):
            return [self._one(job) for job in jobs]

    def _one(self, job: Job[Any]) -> Any:
        try:
            return run(self._connection, job.begin())
        except Exception as error:  # noqa: BLE001  (it goes to whoever waits for this job)
            return Failure(ours(error))

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


class Writer:
    """Runs batches of writes: each job all or nothing, all of a batch with one lock and one sync to the disk.

    Theory of operation. A batch is tried as one transaction. If a job of several fails in it, all is undone and the batch is
    done again with a savepoint for each job, so that one which loses a compare-and-swap leaves no trace of its own while
    the others go on. Nobody is answered before the COMMIT of the whole batch has returned, so nothing that was told can be
    lost, and nothing of it exists if the process dies before. A batch in which any answer depends on the disk is
    committed with synchronous=FULL. Where none does (last uses, throttle counters, who follows the log: what a loss of
    power would take, it takes from processes that died with it), NORMAL writes without waiting for the disk.

    Args:
        path: the database file.
        identity: which file it was when the store was opened.
        lock: taken around each batch.
        mark: told how far the log went.
        told: called after a commit that concerns followers.
    """

    def __init__(
        self, path: Path, identity: tuple[int, int], lock: WriterLock, mark: Mark, told: Callable[[], None]
    ) -> None:
        self._path, self._identity, self._lock, self._mark, self._told = path, identity, lock, mark, told
        self._connection = connect(path, writes=True)
        self._is_full = True
        self._broken = ""

    def work(self, jobs: Sequence[Job[Any]]) -> Sequence[Any]:
        """Runs a batch."""
        if self._broken:
            raise Unavailable(f"closed after {self._broken}: what lies on the disk is not known", retry_after_s=30)
        with self._lock.held():
            _demand_same(self._path, self._identity)
            durable = any(job.durable for job in jobs)
            self._sync(full=durable)
            outcomes = self._transact(jobs, failpoint.hook if durable else None)
            appended = [one for done in outcomes if isinstance(done, Committed) for one in done.revocations]
            if appended:
                self._note(appended[-1])
        if appended or any(job.wakes for job in jobs):
            self._told()
        return outcomes

    def _transact(self, jobs: Sequence[Job[Any]], hook: Callable[[str], None] | None) -> Sequence[Any]:
        outcomes = self._try(jobs, hook, apart=False)
        if len(jobs) > 1 and any(isinstance(done, Failure) for done in outcomes):
            return self._try(jobs, hook, apart=True)
        return outcomes

    def _try(self, jobs: Sequence[Job[Any]], hook: Callable[[str], None] | None, *, apart: bool) -> Sequence[Any]:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes = []
            for job in jobs:
                outcomes.append(self._one(job, hook, apart=apart))
                if not apart and isinstance(outcomes[-1], Failure):
                    connection.execute("ROLLBACK")
                    return outcomes
            if hook is not None:
                hook(failpoint.BEFORE_COMMIT)
            self._commit()
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if hook is not None:
            hook(failpoint.AFTER_COMMIT)
        return outcomes

    def _one(self, job: Job[Any], hook: Callable[[str], None] | None, *, apart: bool) -> Any:
        connection = self._connection
        if apart:
            connection.execute("SAVEPOINT job")
        try:
            begun = job.begin()
            done = run(connection, begun) if hook is None else run_watched(connection, begun, hook)
        except Exception as error:
            if not connection.in_transaction:
                # SQLite itself has undone the whole transaction (the disk is full or broken): nobody's job is done.
                raise
            if apart:
                connection.execute("ROLLBACK TO job")
                connection.execute("RELEASE job")
            return Failure(ours(error))
        if apart:
            connection.execute("RELEASE job")
        return done

    def _commit(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if leaves_state_unknown(error):
                self._broken = str(ours(error))
                _log.critical("the store is closed: %s", self._broken)
                raise Unavailable(f"the outcome of the commit is unknown: {self._broken}") from error
            raise

    def _sync(self, *, full: bool) -> None:
        if full is not self._is_full:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
            self._is_full = full

    def _note(self, last: Revocation) -> None:
        try:
            self._mark.write(last.position, last.chain)
        except OSError as error:
            # What was committed stands. Only an older copy of the file, put back now, might go unnoticed.
            _log.error("cannot mark how far the log went: %s", error.strerror)

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


def _demand_same(path: Path, identity: tuple[int, int]) -> None:
    if identity_of(path) != identity:
        raise Unavailable("another file was put in the place of the database: open the store anew", retry_after_s=30)
