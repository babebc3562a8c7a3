"""Gathers facts from a SQLite database without changing it, also from one of an older or newer schema."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from tallystick.core.keys.lifecycle import SigningKey
from tallystick.crypto.signer import KeySigner
from tallystick.errors import Misconfigured, TallystickError
from tallystick.identity.account import ADMIN_PERMISSION
from tallystick.ports import Sealer
from tallystick.server.doctor.facts import StoreFacts
from tallystick.stores.sql import reads
from tallystick.stores.sql.engine import run
from tallystick.stores.sql.migrate import APPLIED
from tallystick.stores.sql.opening import Site, lost_since
from tallystick.web.endpoints.mirror import kids_of

_WAIT_S = 5.0
_NEWEST = "SELECT max(appended_at) FROM ts_log"
_ADMINISTRATORS = "SELECT permissions FROM ts_account WHERE enabled = 1 AND permissions <> ''"


def sqlite_path(store: str) -> Path | None:
    """Gives the file of a SQLite store, or None for a store of another kind."""
    return Path(store.removeprefix("sqlite:///")) if store.startswith("sqlite:///") else None


def store_facts(database: Path, sealer: Sealer | None) -> StoreFacts:
    """Reads what a database says of itself.

    Args:
        database: the file; it must be there.
        sealer: under the root key; None if that cannot be used.

    Raises:
        Unavailable, sqlite3.Error, OSError: it cannot be read.
    """
    marked = Site(database).mark.read()
    address = f"file:{quote(str(database.resolve()))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=_WAIT_S, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        applied = tuple((row[0], row[1], row[2]) for row in _rows(connection, APPLIED))
        if not applied:
            return StoreFacts()
        keys = _keys(connection)
        permissions = [row[0] for row in _rows(connection, _ADMINISTRATORS)]
        newest = _rows(connection, _NEWEST)
        return StoreFacts(
            applied=applied,
            issuer=run(connection, reads.setting("issuer")),
            newest_at=(newest[0][0] if newest else 0) or 0,
            lost=lost_since(connection, marked) is not None,
            opens=None if sealer is None or not keys else _opens(keys, sealer),
            administrators=sum(ADMIN_PERMISSION in str(text).split() for text in permissions),
            kids=kids_of(keys),
        )


def _rows(connection: sqlite3.Connection, text: str) -> list[tuple[object, ...]]:
    # Another schema may lack a table or a column; what it has is still told.
    try:
        return connection.execute(text).fetchall()
    except sqlite3.OperationalError as error:
        if "no such" in str(error):
            return []
        raise


def _keys(connection: sqlite3.Connection) -> tuple[SigningKey, ...]:
    try:
        return run(connection, reads.keys())[0]
    except sqlite3.OperationalError as error:
        if "no such" in str(error):
            return ()
        raise


def _opens(keys: tuple[SigningKey, ...], sealer: Sealer) -> bool:
    try:
        KeySigner(sealer).load(keys)
    except Misconfigured:
        return False
    except TallystickError:
        return True
    return True
