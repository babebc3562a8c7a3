"""Reads what a SQLite database says of itself without changing it, also one of an older or newer schema."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from tallystick.core.keys.lifecycle import SigningKey
from tallystick.stores.sql import reads
from tallystick.stores.sql.engine import run, translated
from tallystick.stores.sql.migrate import APPLIED
from tallystick.stores.sql.opening import Site, lost_since

_WAIT_S = 5.0
_NEWEST = "SELECT max(appended_at) FROM ts_log"
_PERMISSIONS = "SELECT permissions FROM ts_account WHERE enabled = 1 AND permissions <> ''"
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Inspected:
    """What stands in a database.

    Args:
        applied: number, name and checksum of each migration that it has.
        issuer: that it was first served under.
        newest_at: the latest instant of its log; 0 if there is none.
        lost: whether its log lacks entries that had been there.
        keys: the signing keys.
        permissions: those of each enabled account that has any.
    """

    applied: tuple[tuple[int, str, str], ...] = ()
    issuer: str | None = None
    newest_at: int = 0
    lost: bool = False
    keys: tuple[SigningKey, ...] = ()
    permissions: tuple[frozenset[str], ...] = ()


def inspect(database: Path) -> Inspected:
    """Reads a database of any schema; what this version cannot read in it is left out.

    Args:
        database: the file; it must be there.

    Raises:
        Unavailable: it cannot be read.
    """
    marked = Site(database).mark.read()
    address = f"file:{quote(str(database.resolve()))}?mode=ro"
    with (
        translated(),
        closing(sqlite3.connect(address, uri=True, timeout=_WAIT_S, isolation_level=None)) as connection,
    ):
        connection.execute("BEGIN")
        applied = tuple((row[0], row[1], row[2]) for row in _rows(connection, APPLIED))
        if not applied:
            return Inspected()
        newest = _rows(connection, _NEWEST)
        return Inspected(
            applied=applied,
            issuer=_unless_missing(lambda: run(connection, reads.setting("issuer")), None),
            newest_at=(newest[0][0] if newest else 0) or 0,
            lost=_unless_missing(lambda: lost_since(connection, marked) is not None, False),
            keys=_unless_missing(lambda: run(connection, reads.keys())[0], ()),
            permissions=tuple(frozenset(str(row[0]).split()) for row in _rows(connection, _PERMISSIONS)),
        )


def _rows(connection: sqlite3.Connection, text: str) -> list[tuple[Any, ...]]:
    return _unless_missing(lambda: connection.execute(text).fetchall(), [])


def _unless_missing(read: Callable[[], _Found], otherwise: _Found) -> _Found:
    # Another schema may lack a table or a column; what it has is still told.
    try:
        return read()
    except sqlite3.OperationalError as error:
        if "no such" in str(error):
            return otherwise
        raise
