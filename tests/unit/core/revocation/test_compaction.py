"""Compaction: what a snapshot leaves out."""

from __future__ import annotations

from tallystick.core.revocation.compaction import compact, is_forgettable
from tallystick.core.revocation.entry import Kind, Position
from tests.unit.core.revocation.views import entry

R = 600


def test_what_is_within_the_retention_stays() -> None:
    """An entry is kept for the whole retention, to the second."""
    one = entry(Kind.SESSION, 5, at=1000)
    assert not is_forgettable(one, 1000 + R, R)
    assert is_forgettable(one, 1001 + R, R)


def test_what_is_older_leaves_and_raises_the_floor() -> None:
    """What is left out for its age makes everything older outdated."""
    entries = [entry(Kind.SESSION, 5, at=1000), entry(Kind.CLIENT, 6, at=1000), entry(Kind.PRINCIPAL, 7, at=1500)]
    assert compact(entries, 1700, R) == ((entries[2],), Position(1, 6))


def test_keys_stay_for_ever() -> None:
    """A revoked key is in every snapshot."""
    key = entry(Kind.KEY, 5, at=0)
    assert compact([key], 10**9, R) == ((key,), Position(0, 0))


def test_only_the_newest_cut_of_a_name_stays() -> None:
    """A later cut of the same name covers all that an earlier one does."""
    old, new = entry(Kind.PRINCIPAL, 5), entry(Kind.OUTDATED_PRINCIPAL, 6)
    assert compact([old, new], 1000, R)[0] == (new,)


def test_an_ended_session_needs_no_second_word() -> None:
    """A wish to look at a session again leaves when the session has ended; without its end it stays."""
    look, end, other = (
        entry(Kind.OUTDATED_SESSION, 5),
        entry(Kind.SESSION, 6),
        entry(Kind.OUTDATED_SESSION, 7, "another"),
    )
    assert compact([look, end, other], 1000, R)[0] == (end, other)


def test_what_covers_everything_is_the_floor() -> None:
    """An entry for everything becomes the floor; a floor that is higher stays."""
    assert compact([entry(Kind.ALL, 5), entry(Kind.OUTDATED_ALL, 6)], 1000, R) == ((), Position(1, 6))
    assert compact([entry(Kind.ALL, 5)], 1000, R, Position(2, 0))[1] == Position(2, 0)
