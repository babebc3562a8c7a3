"""A backup put back in the place of a SQLite store, so that nothing which has ended since comes back.

Theory of operation. The database is made ready in a file of its own: unpacked, checked, migrated, and in one transaction
given a new epoch, in which everything that was said before is outdated. Without the log since the backup, one entry ends
everything. With it, each ending since is applied again: rows are ended, keys revoked, cuts made, at positions of the new
epoch, which is a little more than they covered and never less. Whoever is not concerned goes on.

Then it takes the place of the old one, while nobody serves (a lock says so), with one rename. Before that rename a mark is
put beside the old database that lies beyond it: from then on no follower gets a lease from it. When LS has passed, no lease
on the old log is left, and the file is exchanged. Killed before the rename, the old database is there under a mark that it
has not reached: its next start answers with a new epoch, and everybody signs in again. Killed after it, the restore is done,
since the mark lies before the new epoch.

What else could come back: handles (a link in a mail that was used since) are forgotten; a cookie's predecessor and a refresh
token's are not good any more; verifiers register anew. A refresh token that was traded since the backup is beyond its row,
and that is how its owner presents it: the rule of a refresh (core.session.decide) goes on from there, and once it has, what
was traded before is reuse.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tallystick.core.keys.lifecycle import SigningKey
from tallystick.core.revocation.entry import GENESIS, Kind, Position, Revocation
from tallystick.errors import BackupRefused, TallystickError
from tallystick.stores.archive import continued
from tallystick.stores.sql import failpoint, reads
from tallystick.stores.sql.backup import Manifest, check_whole, sync_folder, unpack
from tallystick.stores.sql.engine import connect, run, translated
from tallystick.stores.sql.files import create_private
from tallystick.stores.sql.log_transactions import EPOCH_MAX, head_whole, staleness
from tallystick.stores.sql.migrate import migrate
from tallystick.stores.sql.opening import Site
from tallystick.stores.sql.reapplying import reapply

DRAFT, KEPT = ".restoring", ".before-restore"
_BESIDE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did.

    Args:
        manifest: of the backup.
        position: the head of the log now.
        until: the last position of the log that was supplied; None if none was.
        ended: how many sessions of the backup were ended by it.
        review: principals, clients and keys that were cut since the backup, `kind name`; what was changed of them then is
            as the backup has it.
        kept: where the old database was put; None if there was none.
    """

    manifest: Manifest
    position: Position
    until: Position | None
    ended: int
    review: tuple[str, ...]
    kept: Path | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be restored.

    Args:
        file: the backup.
        log: lines of the log since; None for none.
        issuer: the issuer that it must be of; None for any.
        check: is handed the signing keys of the backup, and raises if the root key does not open them.
        now: gives the instant.
    """

    file: Path
    log: Sequence[str] | None
    issuer: str | None
    check: Callable[[Sequence[SigningKey]], None]
    now: Callable[[], int]


def restore(database: Path, wanted: Wanted) -> Restored:
    """Puts a backup in the place of a store.

    Args:
        database: the file of the store; it need not exist.
        wanted: what is to be restored.

    Raises:
        BackupRefused: the backup or the log cannot be used; nothing was changed.
        Misconfigured: another issuer, a newer schema, or a root key that does not open it; nothing was changed.
        Unavailable: a server runs on the store, or the disk is in trouble.
    """
    site = Site(database.absolute())
    site.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = site.path.with_name(site.path.name + DRAFT)
    with site.use.alone(), translated():
        _remove(draft)
        try:
            create_private(draft)
            manifest = unpack(wanted.file, draft)
            entries = None if wanted.log is None else continued(wanted.log, manifest.position, _chain(manifest))
            bound_s = _prepare(draft, manifest, wanted)
            _stop("restore: unpacked")
            return _exchange(site, draft, manifest, entries, wanted, bound_s)
        finally:
            _remove(draft)


def issuer_in(database: Path) -> str | None:
    """Gives the issuer that a store says it is of; None if there is none, or it cannot be read."""
    if not database.exists():
        return None
    try:
        connection = connect(database, writes=False)
        try:
            return run(connection, reads.setting("issuer"))
        finally:
            connection.close()
    except (sqlite3.Error, TallystickError):
        # What is to be replaced may be damaged.
        return None


def _chain(manifest: Manifest) -> bytes:
    return bytes.fromhex(manifest.chain)


def _prepare(draft: Path, manifest: Manifest, wanted: Wanted) -> float:
    """Checks what was unpacked and migrates it; gives LS, seconds."""
    connection = connect(draft, writes=True)
    try:
        try:
            check_whole(connection)
            head = run(connection, head_whole())
        except (sqlite3.Error, TallystickError, ValueError):
            raise BackupRefused("the database in the backup is damaged") from None
        if (head.position, head.chain) != (manifest.position, _chain(manifest)):
            raise BackupRefused("the database in the backup is not the one that its manifest speaks of")
        connection.execute("BEGIN IMMEDIATE")
        run(connection, migrate(wanted.now()))
        connection.execute("COMMIT")
        found = run(connection, reads.setting("issuer")) or ""
        if wanted.issuer is not None and found and found != wanted.issuer:
            raise BackupRefused(f"the backup is of the issuer {found}, and this store is of {wanted.issuer}")
        wanted.check(run(connection, reads.keys())[0])
        constants = run(connection, staleness())
        return 0.0 if constants is None else constants.bound_s
    finally:
        connection.close()


def _exchange(
    site: Site, draft: Path, manifest: Manifest, entries: Sequence[Revocation] | None, wanted: Wanted, bound_s: float
) -> Restored:
    lock = site.lock()
    try:
        with lock.held():
            highest = max(manifest.position, _furthest(site))
            if entries is not None:
                last = entries[-1].position if entries else manifest.position
                if last < highest:
                    raise BackupRefused(
                        f"the log ends at {last.text()}, and the store went on to {highest.text()}: entries are missing"
                    )
            # Two epochs on: the mark stands in the one between, beyond the old log and before the new one.
            epoch = max(highest.epoch + 2, wanted.now())
            if epoch > EPOCH_MAX:
                raise BackupRefused(f"the epoch {epoch} does not fit into 32 bits")
            position, ended, review = _renew(draft, epoch, entries, wanted.now())
            site.mark.restart(Position(epoch - 1, 1), GENESIS)
            _stop("restore: followers stopped")
            time.sleep(bound_s)
            _stop("restore: leases over")
            kept = _put_in_place(site, draft)
            _stop("restore: put in place")
            site.mark.restart(*position)
    finally:
        lock.close()
    until = None if entries is None else (entries[-1].position if entries else manifest.position)
    return Restored(manifest, position[0], until, ended, review, kept)


def _furthest(site: Site) -> Position:
    """Gives how far the log went that is to be replaced, as far as that can still be read."""
    marked = site.mark.read()
    furthest = Position(0, 0) if marked is None else marked[0]
    if site.path.exists():
        try:
            connection = connect(site.path, writes=False)
            try:
                return max(furthest, run(connection, head_whole()).position)
            finally:
                connection.close()
        except (sqlite3.Error, TallystickError, ValueError):
            # It is damaged, which may be why it is replaced; the mark is what is left.
            return furthest
    return furthest


def _renew(
    draft: Path, epoch: int, entries: Sequence[Revocation] | None, now: int
) -> tuple[tuple[Position, bytes], int, tuple[str, ...]]:
    connection = connect(draft, writes=True)
    try:
        connection.execute("BEGIN IMMEDIATE")
        ended = run(connection, reapply(epoch, entries, now))
        connection.execute("COMMIT")
        # Nothing may be left in a journal beside it: only the file itself is moved.
        connection.execute("PRAGMA journal_mode = DELETE")
        head = run(connection, head_whole())
    finally:
        connection.close()
    _sync(draft)
    cuts = (Kind.PRINCIPAL, Kind.CLIENT, Kind.KEY, Kind.OUTDATED_PRINCIPAL)
    found = {(one.ending.kind, one.ending.name) for one in entries or () if one.ending.kind in cuts}
    review = tuple(sorted(f"{kind.name.lower().removeprefix('outdated_')} {name}" for kind, name in found))
    return (head.position, head.chain), ended, tuple(dict.fromkeys(review))


def _put_in_place(site: Site, draft: Path) -> Path | None:
    kept = None
    if site.path.exists():
        kept = site.path.with_name(site.path.name + KEPT)
        _settle(site.path)
        kept.unlink(missing_ok=True)
        os.link(site.path, kept)
    # What is left of the old journal must never be taken for the new database's.
    for name in _BESIDE:
        site.path.with_name(site.path.name + name).unlink(missing_ok=True)
    sync_folder(site.path.parent)
    _stop("restore: old journal gone")
    draft.replace(site.path)
    sync_folder(site.path.parent)
    return kept


def _settle(path: Path) -> None:
    """Brings what the old journal holds into the old file, so that the copy that is kept is whole."""
    try:
        connection = connect(path, writes=True)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()
    except (sqlite3.Error, TallystickError):
        # It is damaged; it is kept as it is.
        return


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(draft: Path) -> None:
    for name in ("", *_BESIDE):
        draft.with_name(draft.name + name).unlink(missing_ok=True)


def _stop(point: str) -> None:
    if failpoint.hook is not None:
        failpoint.hook(point)
