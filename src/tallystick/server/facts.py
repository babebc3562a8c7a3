"""What is true of the files around a server: who may read and write them. Read once, judged in unsafe.py."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from tallystick.server.settings import Settings
from tallystick.server.wiring import sqlite_file

_LOOKED_AT = 64 * 1024


@dataclass(frozen=True, slots=True)
class FileFact:
    """A file or folder, as it is.

    Args:
        path: where, as the settings say it.
        exists: whether there is one.
        mode: its permission bits; 0 if there is none.
        owner: the number of its owner; -1 if there is none.
        digests: SHA-256 of each line of a small file that holds a secret, to be compared with known examples.
    """

    path: Path
    exists: bool = False
    mode: int = 0
    owner: int = -1
    digests: frozenset[str] = frozenset()

    @property
    def others_read(self) -> bool:
        """Everybody on the machine may read it."""
        return bool(self.mode & stat.S_IROTH)

    @property
    def others_write(self) -> bool:
        """A group or everybody may write it."""
        return bool(self.mode & (stat.S_IWOTH | stat.S_IWGRP))

    @property
    def anybody_writes(self) -> bool:
        """Everybody on the machine may write it; a sticky folder, such as /tmp, is no better for a database."""
        return bool(self.mode & stat.S_IWOTH)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the checks need beside the settings.

    Args:
        issuer: the URL under which it will be known.
        root_key: the file of the root key.
        tls_key: the file of the TLS key; None without TLS.
        database: the file of a SQLite store; None for another.
        folder: the folder of that.
        listens: this process opens the listener; False under another ASGI server, whose listener is not known here.
    """

    issuer: str
    root_key: FileFact
    tls_key: FileFact | None = None
    database: FileFact | None = None
    folder: FileFact | None = None
    listens: bool = True


def facts_of(settings: Settings, issuer: str, *, listens: bool = True) -> Facts:
    """Looks at the files that the settings name; nothing is made or changed.

    Args:
        settings: what the operator chose.
        issuer: the URL under which it will be known.
        listens: as in `Facts`.
    """
    database = sqlite_file(settings.store)
    return Facts(
        issuer=issuer,
        root_key=look_at(settings.root_key_file, secret=True),
        tls_key=None if settings.tls_key is None else look_at(settings.tls_key),
        database=None if database is None else look_at(database),
        folder=None if database is None else look_at(database.parent),
        listens=listens,
    )


def look_at(path: Path, *, secret: bool = False) -> FileFact:
    """Looks at a file or folder; what cannot be looked at counts as not there, since whoever opens it will say why.

    Args:
        path: where.
        secret: also digest its lines.
    """
    try:
        found = path.stat()
        lines = path.read_bytes()[:_LOOKED_AT].splitlines() if secret and stat.S_ISREG(found.st_mode) else []
    except OSError:
        return FileFact(path, exists=os.path.lexists(path))
    digests = frozenset(hashlib.sha256(line.strip()).hexdigest() for line in lines)
    return FileFact(path, True, stat.S_IMODE(found.st_mode), found.st_uid, digests)
