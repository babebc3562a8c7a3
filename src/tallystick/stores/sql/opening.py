"""Opening a SQLite database: create, migrate, compare the log header, notice an older copy that was put back."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import Position
from tallystick.errors import Misconfigured
from tallystick.stores.answering import Head, relate
from tallystick.stores.sql import statements as sql
from tallystick.stores.sql.engine import connect, run, translated
from tallystick.stores.sql.files import Mark, Use, WriterLock, create_private
from tallystick.stores.sql.log_transactions import begin_log, head_whole, new_epoch, staleness
from tallystick.stores.sql.migrate import migrate

_log = logging.getLogger("tallystick.stores")


@dataclass(frozen=True, slots=True)
class Site:
    """Where a SQLite store lies: the database and the files beside it.

    Args:
        path: the database file.
    """

    path: Path

    @property
    def mark(self) -> Mark:
        """How far the log went."""
        return Mark(self.path.with_name(self.path.name + ".head"))

    @property
    def use(self) -> Use:
        """Who has the store open."""
        return Use(self.path.with_name(self.path.name + ".use"))

    def lock(self) -> WriterLock:
        """Gives a lock of its own; each thread that writes needs one."""
        return WriterLock(self.path.with_name(self.path.name + ".lock"))


def prepare(site: Site, wanted: Staleness, now: int) -> None:
    """Makes a database ready: creates it, migrates it, writes or compares the log header.

    Args:
        site: where it lies.
        wanted: the constants that this process was told.
        now: the instant.

    Raises:
        Misconfigured: the schema is newer or was changed, or the header says something else.
        Unavailable: the disk or the lock.
    """
    create_private(site.path)
    lock = site.lock()
    try:
        with lock.held(), translated():
            connection = connect(site.path, writes=True)
            try:
                _prepare(connection, site, wanted, now)
            finally:
                connection.close()
    finally:
        lock.close()


def _prepare(connection: sqlite3.Connection, site: Site, wanted: Staleness, now: int) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        run(connection, migrate(now))
        found = run(connection, staleness())
        if found is None:
            run(connection, begin_log(wanted, now))
        elif found != wanted:
            raise Misconfigured(f"the log header says {found}, this process was told {wanted}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    head = run(connection, head_whole())
    if head.position.seq == 0 and site.mark.read() is None:
        # Nothing was ever appended: from here on a missing mark means that the file came without it.
        _restart(site, head)


def lost(site: Site) -> Position | None:
    """Gives the highest position that was seen of a log which has lost entries since; None if it has lost none.

    The mark is read first: it is written after the commit, so a database that is read later is never behind it.
    """
    marked = site.mark.read()
    connection = connect(site.path, writes=False)
    try:
        with translated():
            return lost_since(connection, marked)
    finally:
        connection.close()


def lost_since(connection: sqlite3.Connection, marked: tuple[Position, bytes] | None) -> Position | None:
    """As `lost`, for a mark that was read before, on a connection that sees the log as it is now."""
    head = run(connection, head_whole())
    if marked is None:
        return head.position if head.position.seq else None
    position, chain = marked
    stored = connection.execute(sql.CHAIN_AT, {"1": position.epoch, "2": position.seq}).fetchone()
    relation = relate(position, chain, head, stored[0] if stored else None)
    return max(position, head.position) if relation.forked else None


def recover(site: Site, highest: Position, now: Callable[[], int]) -> Position:
    """Begins a new epoch under the writer's lock, unless that has been done since; gives the head.

    Args:
        site: where the log lies.
        highest: the highest position that anybody has seen of it.
        now: gives the instant; asked under the lock.
    """
    lock = site.lock()
    try:
        with lock.held(), translated():
            marked = site.mark.read()
            connection = connect(site.path, writes=True)
            try:
                lost_to = lost_since(connection, marked)
                connection.execute("BEGIN IMMEDIATE")
                position = run(connection, new_epoch(max(highest, lost_to or highest), now()))
                connection.execute("COMMIT")
                _restart(site, run(connection, head_whole()))
                if position.seq == 1:
                    _log.warning(
                        "%s had lost entries of its log: epoch %d begins, all sign in anew", site.path, position.epoch
                    )
            finally:
                connection.close()
            return position
    finally:
        lock.close()


def _restart(site: Site, head: Head) -> None:
    site.mark.restart(head.position, head.chain)
