"""Which migrations a database lacks, and which stop the start."""

from __future__ import annotations

import pytest

from tallystick.errors import Misconfigured
from tallystick.stores.sql.migrate import Migration, known, pending

ONE = Migration(1, "0001_one.sql", "CREATE TABLE a (x BIGINT); -- a; comment\nCREATE TABLE b (y TEXT);\n")
TWO = Migration(2, "0002_two.sql", "DROP TABLE a;")


def applied(*migrations: Migration) -> list[tuple[int, str, str]]:
    """Gives what a database says that has some migrations."""
    return [(one.number, one.name, one.checksum) for one in migrations]


def test_what_is_lacking_is_applied_in_order() -> None:
    """A new database lacks everything, an older one the rest, one of today nothing."""
    assert pending([], (ONE, TWO)) == (ONE, TWO)
    assert pending(applied(ONE), (ONE, TWO)) == (TWO,)
    assert pending(applied(ONE, TWO), (ONE, TWO)) == ()


def test_a_newer_database_is_refused() -> None:
    """An old version does not touch what a newer one has made."""
    with pytest.raises(Misconfigured, match="newer"):
        pending(applied(ONE, TWO), (ONE,))


def test_a_changed_migration_is_refused() -> None:
    """A migration is never edited once it was applied."""
    with pytest.raises(Misconfigured, match="checksum"):
        pending([(1, ONE.name, "0" * 64)], (ONE,))


def test_statements_are_split_without_their_comments() -> None:
    """A semicolon in a comment ends nothing."""
    assert ONE.statements() == ["CREATE TABLE a (x BIGINT)", "CREATE TABLE b (y TEXT)"]


def test_our_migrations_are_numbered_without_a_gap() -> None:
    """The files that are shipped are found, in order, from one on."""
    assert [one.number for one in known()] == list(range(1, len(known()) + 1))


def test_a_released_migration_never_changes() -> None:
    """The checksum of each migration is pinned: whoever edits one sees this."""
    assert {one.name: one.checksum[:16] for one in known()} == PINNED


PINNED = {
    "0001_the_house_stands.sql": "c98f174dc20e1139",
    "0002_factors_handles_audit.sql": "f0421a0858360f2e",
}
"""File → the first 16 digits of its SHA-256."""
