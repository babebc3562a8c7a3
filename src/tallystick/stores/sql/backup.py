"""A backup of a SQLite store: one file with a consistent copy of the database and a manifest that says what it is.

The file is a tar archive of two members, readable by any tar: `manifest.json` and `tallystick.db`. The copy is made by
SQLite's online backup in one read transaction, so a server goes on. The root key is not in it, and must not lie beside it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tallystick.core.revocation.entry import CHAIN_BYTES, Position
from tallystick.errors import AlreadyExists, BackupRefused, Unavailable
from tallystick.stores.sql import reads
from tallystick.stores.sql.engine import connect, run, translated
from tallystick.stores.sql.files import create_private, identity_of
from tallystick.stores.sql.log_transactions import head_whole
from tallystick.stores.sql.migrate import APPLIED

FORMAT = 1
MANIFEST, DATABASE = "manifest.json", "tallystick.db"
MANIFEST_MAX = 64 * 1024
ROOT_KEY_NOTE = "The root key is not in this file. Keep it apart: without it this backup cannot be served."
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself.

    Args:
        format: of the file.
        made_at: instant.
        issuer: the URL that the store was served under; empty if it was never served.
        schema: the migrations that were applied, with their checksums.
        head: the last position of the log.
        chain: the chain there, in hexadecimal; a log that continues it is proven by it.
        bytes: the length of the database.
        sha256: of the database.
        root_key: where the root key is: not here.
    """

    format: int
    made_at: int
    issuer: str
    schema: tuple[tuple[int, str, str], ...]
    head: str
    chain: str
    bytes: int
    sha256: str
    root_key: str = ROOT_KEY_NOTE

    @property
    def position(self) -> Position:
        """The last position of the log."""
        found = Position.parse(self.head)
        if found is None or len(self.chain) != 2 * CHAIN_BYTES:
            raise BackupRefused("the manifest names no position of a log")
        return found


def back_up(database: Path, file: Path, now: int) -> Manifest:
    """Makes a backup of a database that may be in use; the file appears whole or not at all, with mode 0600.

    Args:
        database: the file of the store.
        file: where to; there must be none.
        now: the instant.

    Raises:
        AlreadyExists: there is a file of that name.
        Unavailable: the database is not there, damaged, or the disk is full.
    """
    identity_of(database)
    if os.path.lexists(file):
        raise AlreadyExists(f"there is a file {file} already")
    with _drafts(file) as (copy, archive), translated():
        _copy(database, copy)
        manifest = describe(copy, now)
        try:
            _pack(manifest, copy, archive)
            # A link, unlike a rename, cannot take the place of a file that has appeared since.
            os.link(archive, file)
            sync_folder(file.parent)
        except FileExistsError:
            raise AlreadyExists(f"there is a file {file} already") from None
        except OSError as error:
            raise Unavailable(f"the backup {file} cannot be written: {error.strerror}") from error
    return manifest


@contextmanager
def _drafts(file: Path) -> Iterator[tuple[Path, Path]]:
    drafts = [file.with_name(f".{file.name}.{os.getpid()}.{os.urandom(4).hex()}.{what}") for what in ("db", "tar")]
    try:
        for draft in drafts:
            create_private(draft)
        yield drafts[0], drafts[1]
    finally:
        for draft in drafts:
            for leftover in (draft, draft.with_name(draft.name + "-journal")):
                leftover.unlink(missing_ok=True)


def _copy(database: Path, copy: Path) -> None:
    source = connect(database, writes=False)
    try:
        target = sqlite3.connect(copy, isolation_level=None)
        try:
            source.backup(target)
            # One file that needs no other beside it.
            target.execute("PRAGMA journal_mode = DELETE")
        finally:
            target.close()
    finally:
        source.close()


def describe(copy: Path, now: int) -> Manifest:
    """Checks a database that nobody else uses, and gives its manifest.

    Raises:
        Unavailable: it is damaged, or no store of ours.
    """
    connection = connect(copy, writes=False)
    try:
        with translated():
            check_whole(connection)
            schema = tuple((row[0], row[1], row[2]) for row in connection.execute(APPLIED).fetchall())
            head = run(connection, head_whole())
            issuer = run(connection, reads.setting("issuer")) or ""
    finally:
        connection.close()
    length, digest = measured(copy)
    return Manifest(FORMAT, now, issuer, schema, head.position.text(), head.chain.hex(), length, digest)


def check_whole(connection: sqlite3.Connection) -> None:
    """Lets SQLite look at every page and index; raises Unavailable if the file is damaged."""
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found is None or found[0] != "ok":
        raise Unavailable(f"the database is damaged: {found[0] if found else 'nothing was checked'}")


def measured(path: Path) -> tuple[int, str]:
    """Gives the length and the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        return file.tell(), digest.hexdigest()


def _pack(manifest: Manifest, copy: Path, archive: Path) -> None:
    text = json.dumps(asdict(manifest), indent=2, sort_keys=True).encode() + b"\n"
    with archive.open("r+b") as sink:
        with tarfile.open(fileobj=sink, mode="w", format=tarfile.USTAR_FORMAT) as packed:
            _add(packed, MANIFEST, len(text), manifest.made_at, io.BytesIO(text))
            with copy.open("rb") as source:
                _add(packed, DATABASE, manifest.bytes, manifest.made_at, source)
        sink.flush()
        os.fsync(sink.fileno())


def _add(packed: tarfile.TarFile, name: str, size: int, at: int, source: io.BufferedIOBase) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size, at, 0o600
    packed.addfile(member, source)


def unpack(file: Path, draft: Path) -> Manifest:
    """Reads a backup: writes its database to a file that is there and empty, compares it with the manifest.

    Raises:
        BackupRefused: it is no backup, or damaged.
        Unavailable: it cannot be read, or the disk is full.
    """
    try:
        with tarfile.open(file, mode="r:") as packed:
            manifest = _manifest(packed)
            member = packed.next()
            if member is None or member.name != DATABASE or not member.isreg() or member.size != manifest.bytes:
                raise BackupRefused(f"{file} does not have the database that its manifest speaks of")
            source = packed.extractfile(member)
            assert source is not None
            digest = hashlib.sha256()
            with source, draft.open("r+b") as sink:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    sink.write(chunk)
                sink.flush()
                os.fsync(sink.fileno())
    except tarfile.TarError:
        raise BackupRefused(f"{file} is no backup, or it is damaged") from None
    except OSError as error:
        raise Unavailable(f"the backup {file} cannot be read: {error.strerror}") from error
    if digest.hexdigest() != manifest.sha256:
        raise BackupRefused(f"{file} is damaged: its database is not the one that the manifest speaks of")
    return manifest


def _manifest(packed: tarfile.TarFile) -> Manifest:
    member = packed.next()
    if member is None or member.name != MANIFEST or not member.isreg() or member.size > MANIFEST_MAX:
        raise BackupRefused("it has no manifest")
    source = packed.extractfile(member)
    assert source is not None
    try:
        found = json.loads(source.read())
        if found["format"] != FORMAT:
            raise BackupRefused(f"its format is {found['format']!r}; this version reads {FORMAT}")
        manifest = Manifest(**found)
        bytes.fromhex(manifest.chain)
    except (TypeError, ValueError, KeyError, RecursionError):
        raise BackupRefused("its manifest cannot be read") from None
    return manifest


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
