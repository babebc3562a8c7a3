"""The thin driver of SQLite: connections, running a transaction, and what its errors mean."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import quote

from tallystick.errors import Misconfigured, TallystickError, Unavailable
from tallystick.stores.sql import statements
from tallystick.stores.sql.transaction import Arguments, Result, Transaction

BUSY_MS = 2_000
OLDEST_SQLITE = (3, 35, 0)
"""The first version that knows RETURNING."""
_KEYS = tuple(str(number) for number in range(1, 65))
_STATEMENTS_CACHED = 256
_ABANDONED: list[object] = []
_STATE_UNKNOWN = ("SQLITE_IOERR", "SQLITE_CORRUPT", "SQLITE_NOTADB")


def connect(path: Path, *, writes: bool) -> sqlite3.Connection:
    """Opens a connection to a database file that exists.

    Args:
        path: the file.
        writes: False for one that may only read.

    Raises:
        Misconfigured: this SQLite is too old.
        Unavailable: the file cannot be opened.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise Misconfigured(f"SQLite {sqlite3.sqlite_version} is too old; 3.35 or newer is needed")
    with translated():
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw",
            uri=True,
            timeout=BUSY_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS_CACHED,
        )
        try:
            connection.execute("PRAGMA synchronous = FULL")
            if not writes:
                connection.execute("PRAGMA query_only = 1")
        except BaseException:
            connection.close()
            raise
    return connection


def abandon(*inherited: object) -> None:
    """Keeps what a child inherited by a fork from ever being closed: closing it could disturb the parent's locks."""
    _ABANDONED.extend(inherited)


def run(connection: sqlite3.Connection, transaction: Transaction[Result]) -> Result:
    """Runs a transaction's statements; beginning and ending it is the caller's."""
    execute = connection.execute
    try:
        text, arguments = next(transaction)
        while True:
            # A dict, since a tuple binds `$n` by first occurrence, and not at all from Python 3.14 on.
            rows = execute(text, dict(zip(_KEYS, arguments, strict=False))).fetchall()
            text, arguments = transaction.send(rows)
    except StopIteration as done:
        result: Result = done.value
        return result


def run_watched(
    connection: sqlite3.Connection, transaction: Transaction[Result], hook: Callable[[str], None]
) -> Result:
    """Runs a transaction's statements, with a point to stop at before each."""

    def watched() -> Transaction[Result]:
        try:
            step: tuple[str, Arguments] = next(transaction)
            while True:
                hook(_name_of(step[0]))
                step = transaction.send((yield step))
        except StopIteration as done:
            result: Result = done.value
            return result

    return run(connection, watched())


@cache
def _name_of(text: str) -> str:
    return next((name.lower() for name, found in vars(statements).items() if found is text), "statement")


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Reads within are of one moment."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


@contextmanager
def translated() -> Iterator[None]:
    """Turns errors of SQLite into ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise ours(error) from error


def ours(error: BaseException) -> BaseException:
    """Gives our error for one of SQLite: full, locked and broken disks are Unavailable; the rest is what it is."""
    if isinstance(error, TallystickError) or not isinstance(error, sqlite3.Error):
        return error
    name = name_of(error)
    if isinstance(error, sqlite3.OperationalError | sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.IntegrityError | sqlite3.ProgrammingError
    ):
        return Unavailable(f"SQLite: {name} {error}")
    return error


def name_of(error: sqlite3.Error) -> str:
    """Gives SQLite's own name of an error."""
    return str(getattr(error, "sqlite_errorname", type(error).__name__))


def leaves_state_unknown(error: BaseException) -> bool:
    """Tells whether an error leaves open what lies on the disk, so that nobody may go on with the file."""
    return isinstance(error, sqlite3.Error) and name_of(error).startswith(_STATE_UNKNOWN)
