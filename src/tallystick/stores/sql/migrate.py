"""Numbered migrations: applied in order, each with its checksum recorded, never changed afterwards."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tallystick.errors import Misconfigured
from tallystick.stores.sql.transaction import Transaction

_FILE = re.compile(r"(?P<number>[0-9]{4})_[a-z0-9_]+\.sql")
_COMMENT = re.compile(r"--[^\n]*")
MAKE_TABLE = (
    "CREATE TABLE IF NOT EXISTS ts_migration"
    " (number BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)"
)
APPLIED = "SELECT number, name, checksum FROM ts_migration ORDER BY number"
RECORD = "INSERT INTO ts_migration (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4)"


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema.

    Args:
        number: its place.
        name: its file.
        text: its statements, each ended by a semicolon.
    """

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def statements(self) -> list[str]:
        """Gives its statements."""
        return [one.strip() for one in _COMMENT.sub("", self.text).split(";") if one.strip()]


@cache
def known() -> tuple[Migration, ...]:
    """Gives the migrations of this version, in order."""
    folder = files("tallystick.stores.sql.migrations")
    found = [(match, one) for one in folder.iterdir() if (match := _FILE.fullmatch(one.name))]
    return tuple(
        sorted(
            (Migration(int(match["number"]), one.name, one.read_text("utf-8")) for match, one in found),
            key=lambda one: one.number,
        )
    )


def pending(applied: list[tuple[int, str, str]], migrations: tuple[Migration, ...]) -> tuple[Migration, ...]:
    """Gives the migrations that a database lacks.

    Args:
        applied: number, name and checksum of what it has.
        migrations: those of this version, in order.

    Raises:
        Misconfigured: the database is newer than this version, or a migration was changed after it was applied.
    """
    by_number = {one.number: one for one in migrations}
    for number, name, checksum in applied:
        migration = by_number.get(number)
        if migration is None:
            raise Misconfigured(f"the database has migration {name}, which this version does not know: it is newer")
        if migration.checksum != checksum:
            raise Misconfigured(f"migration {name} is not the one that was applied: its checksum differs")
    have = {number for number, _, _ in applied}
    return tuple(one for one in migrations if one.number not in have)


def migrate(now: int) -> Transaction[int]:
    """Applies what is lacking; gives how many migrations that were."""
    yield MAKE_TABLE, ()
    rows = yield APPLIED, ()
    lacking = pending([(row[0], row[1], row[2]) for row in rows], known())
    for migration in lacking:
        for statement in migration.statements():
            yield statement, ()
        yield RECORD, (migration.number, migration.name, migration.checksum, now)
    return len(lacking)
