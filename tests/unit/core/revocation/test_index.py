"""The index: what covers what, and what is forgotten when."""

from __future__ import annotations

import sys

import pytest

from tallystick.core.ids import SessionId
from tallystick.core.revocation import index as index_module
from tallystick.core.revocation.entry import ORIGIN, Kind, Position
from tallystick.core.revocation.index import RevocationIndex, Verdict, fold
from tests.unit.core.revocation.views import KEY, OTHER, SESSION, Mark, entry

BEFORE, AT, AFTER = Position(1, 4), Position(1, 5), Position(2, 1)


@pytest.mark.parametrize(
    ("kind", "older", "younger"),
    [
        (Kind.SESSION, Verdict.ENDED, Verdict.ENDED),
        (Kind.PRINCIPAL, Verdict.OUTDATED, None),
        (Kind.CLIENT, Verdict.ENDED, None),
        (Kind.KEY, Verdict.KEY_REVOKED, Verdict.KEY_REVOKED),
        (Kind.ALL, Verdict.OUTDATED, None),
        (Kind.OUTDATED_SESSION, Verdict.OUTDATED, None),
        (Kind.OUTDATED_PRINCIPAL, Verdict.OUTDATED, None),
        (Kind.OUTDATED_ALL, Verdict.OUTDATED, None),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_each_kind_covers_what_the_table_says(kind: Kind, older: Verdict, younger: Verdict | None) -> None:
    """A session and a key fall for ever; every other target falls if its credential is older than the entry."""
    index = fold([entry(kind, 5)])
    assert index.covers(Mark(BEFORE)) is older
    assert index.covers(Mark(AT)) is younger
    assert index.covers(Mark(AFTER)) is younger


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.ALL, Kind.OUTDATED_ALL)])
def test_an_entry_for_something_else_covers_nothing(kind: Kind) -> None:
    """An ending of another session, principal, client or key leaves a credential alone."""
    assert fold([entry(kind, 5, "somebody-else")]).covers(Mark(BEFORE)) is None


def test_ended_beats_outdated() -> None:
    """Where an ending and a cut both match, the credential is ended."""
    entries = [entry(Kind.ALL, 9), entry(Kind.PRINCIPAL, 8), entry(Kind.SESSION, 5)]
    assert fold(entries).covers(Mark(BEFORE)) is Verdict.ENDED
    assert fold([entry(Kind.CLIENT, 5), entry(Kind.OUTDATED_ALL, 9)]).covers(Mark(BEFORE)) is Verdict.ENDED


def test_a_revoked_key_says_nothing_of_sessions() -> None:
    """Whoever holds a lost key cannot learn from the answer whether a session has ended."""
    assert fold([entry(Kind.SESSION, 5), entry(Kind.KEY, 6)]).covers(Mark(BEFORE)) is Verdict.KEY_REVOKED


def test_a_cookie_has_no_key() -> None:
    """Revoking a key does not touch what no key has signed."""
    assert fold([entry(Kind.KEY, 5)]).covers(Mark(BEFORE, key=None)) is None


def test_an_older_cut_never_replaces_a_newer_one() -> None:
    """Cuts only move forward, whatever order they arrive in."""
    index = fold([entry(Kind.PRINCIPAL, 9), entry(Kind.OUTDATED_PRINCIPAL, 5), entry(Kind.KEY, 7), entry(Kind.KEY, 6)])
    assert index.covers(Mark(Position(1, 8), key=None)) is Verdict.OUTDATED
    assert index.keys[KEY] == Position(1, 7)


def test_what_is_older_than_the_floor_is_outdated() -> None:
    """A verifier that may have forgotten what covers a token says so."""
    index = fold([], floor=AT)
    assert index.covers(Mark(BEFORE)) is Verdict.OUTDATED
    assert index.covers(Mark(AT)) is None
    index.raise_floor(ORIGIN)
    assert index.floor == AT


def aged(index: RevocationIndex, *, until: int, retention_s: int = 80) -> None:
    """Lets the clock go on, second by second from 1000."""
    for now in range(1000, until + 1):
        index.age(now, retention_s)


@pytest.mark.parametrize("kind", [Kind.SESSION, Kind.PRINCIPAL, Kind.CLIENT, Kind.OUTDATED_SESSION])
def test_an_entry_lives_at_least_the_retention_and_an_eighth_more_at_most(kind: Kind) -> None:
    """A name is held for as long as anything that it covers can live, and not much longer."""
    index = fold([entry(kind, 5)])
    aged(index, until=1079)
    assert len(index) == 1
    aged(index, until=1090)
    assert len(index) == 0


def test_forgetting_raises_the_floor() -> None:
    """After an entry is forgotten, what was minted before it is outdated, so nothing it covered comes back."""
    index = fold([entry(Kind.SESSION, 5), entry(Kind.PRINCIPAL, 7)])
    aged(index, until=1100)
    assert index.floor == Position(1, 7)
    assert index.covers(Mark(Position(1, 6))) is Verdict.OUTDATED
    assert index.covers(Mark(Position(1, 7))) is None


def test_keys_are_never_forgotten() -> None:
    """A lost key stays lost however long ago that was."""
    index = fold([entry(Kind.KEY, 5)])
    aged(index, until=1500)
    assert index.covers(Mark(AFTER)) is Verdict.KEY_REVOKED


def test_a_name_that_came_again_leaves_with_its_last_entry() -> None:
    """An ending that was said again, in a new epoch, is held for the retention after the last time."""
    index = fold([entry(Kind.SESSION, 5), entry(Kind.SESSION, 5)])
    aged(index, until=1050)
    index.add(entry(Kind.SESSION, 8))
    aged(index, until=1100)
    assert SESSION in index.ended
    for now in range(1100, 1200):
        index.age(now, 80)
    assert SESSION not in index.ended


def test_a_cut_that_moved_on_stays() -> None:
    """Forgetting an old cut leaves the newer one of the same principal."""
    index = fold([entry(Kind.PRINCIPAL, 5)])
    aged(index, until=1050)
    index.add(entry(Kind.PRINCIPAL, 9))
    aged(index, until=1100)
    assert index.covers(Mark(Position(1, 8))) is Verdict.OUTDATED


def test_many_names_are_forgotten_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tick takes long: while names go in portions, the floor covers those that are left and those that are gone."""
    monkeypatch.setattr(index_module, "FORGET_AT_ONCE", 10)
    index = fold(entry(Kind.SESSION, seq, SessionId.of(seq.to_bytes(16, "big"))) for seq in range(1, 36))
    aged(index, until=1089)
    sizes = []
    for now in range(1090, 1095):
        index.age(now, 80)
        assert index.covers(Mark(Position(1, 34), id=OTHER)) is Verdict.OUTDATED
        sizes.append(len(index))
    assert sizes == [25, 15, 5, 0, 0]


def test_a_table_that_was_big_once_is_given_back() -> None:
    """After a storm of endings the memory of the table is returned."""
    index = fold(entry(Kind.SESSION, seq, SessionId.of(seq.to_bytes(16, "big"))) for seq in range(1, 4000))
    big = sys.getsizeof(index.ended)
    aged(index, until=1100)
    assert sys.getsizeof(index.ended) < big / 100


def test_equal_values_give_equal_verdicts() -> None:
    """The frozen form is the same for the same verdicts and can be hashed."""
    entries = [entry(Kind.SESSION, 5), entry(Kind.KEY, 6), entry(Kind.ALL, 7)]
    assert fold(entries).frozen() == fold(reversed(entries)).frozen()
    assert hash(fold(entries).frozen()) != hash(fold(entries[:1]).frozen())
