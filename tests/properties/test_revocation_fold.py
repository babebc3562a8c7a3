"""The fold of the log obeys laws: order, repetition, merging and compaction change no verdict."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tallystick.core.ids import ClientId, KeyId, PrincipalId, SessionId
from tallystick.core.revocation.compaction import compact
from tallystick.core.revocation.entry import GENESIS, Ending, Kind, Position, Revocation, place
from tallystick.core.revocation.feed import Snapshot
from tallystick.core.revocation.index import RevocationIndex, Verdict, fold
from tallystick.core.revocation.wire import read_entry, read_snapshot, write_entry, write_snapshot
from tests.unit.core.revocation.views import Mark

SESSIONS = [SessionId.of(bytes([n]) * 16) for n in range(3)]
PRINCIPALS = [PrincipalId.of(bytes([n]) * 16) for n in range(3)]
CLIENTS = [ClientId(f"client{n}") for n in range(2)]
KEYS = [KeyId(f"key{n}") for n in range(2)]
POSITIONS = st.builds(Position, st.integers(1, 2), st.integers(0, 9))
SEVERITY = {None: 0, Verdict.OUTDATED: 1, Verdict.ENDED: 2, Verdict.KEY_REVOKED: 3}


@st.composite
def endings(draw: st.DrawFn) -> Ending:
    """Any ending of a few things."""
    kind = draw(st.sampled_from(Kind))
    names: dict[Kind, list[str]] = {
        Kind.SESSION: [*SESSIONS],
        Kind.OUTDATED_SESSION: [*SESSIONS],
        Kind.PRINCIPAL: [*PRINCIPALS],
        Kind.OUTDATED_PRINCIPAL: [*PRINCIPALS],
        Kind.CLIENT: [*CLIENTS],
        Kind.KEY: [*KEYS],
    }
    return Ending(kind, draw(st.sampled_from(names[kind])) if kind in names else "")


ENTRIES = st.builds(
    lambda position, ending, at: place(GENESIS, position, ending, at), POSITIONS, endings(), st.integers(0, 2000)
)
HISTORIES = st.lists(ENTRIES, max_size=12, unique_by=lambda entry: entry.position).map(
    lambda entries: sorted(entries, key=lambda entry: entry.position)
)
MARKS = st.builds(
    Mark,
    POSITIONS,
    st.sampled_from(SESSIONS),
    st.sampled_from(PRINCIPALS),
    st.sampled_from(CLIENTS),
    st.sampled_from([None, *KEYS]),
)


def slow(entries: list[Revocation], mark: Mark) -> Verdict | None:
    """The table of targets, read line by line."""
    found = set()
    for entry in entries:
        older, name = mark.tal < entry.position, entry.ending.name
        match entry.ending.kind:
            case Kind.SESSION if name == mark.id:
                found.add(Verdict.ENDED)
            case Kind.CLIENT if name == mark.client and older:
                found.add(Verdict.ENDED)
            case Kind.KEY if name == mark.key:
                found.add(Verdict.KEY_REVOKED)
            case Kind.PRINCIPAL | Kind.OUTDATED_PRINCIPAL if name == mark.principal and older:
                found.add(Verdict.OUTDATED)
            case Kind.OUTDATED_SESSION if name == mark.id and older:
                found.add(Verdict.OUTDATED)
            case Kind.ALL | Kind.OUTDATED_ALL if older:
                found.add(Verdict.OUTDATED)
    return max(found, key=SEVERITY.__getitem__, default=None)


@given(HISTORIES, MARKS)
def test_the_index_says_what_the_table_says(entries: list[Revocation], mark: Mark) -> None:
    """Looking things up by name gives the same verdict as reading the whole history line by line."""
    assert fold(entries).covers(mark) is slow(entries, mark)


@given(HISTORIES, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_matters(entries: list[Revocation], shuffler) -> None:
    """Entries that arrive twice or in another order make the same index."""
    mixed = entries + entries[: len(entries) // 2]
    shuffler.shuffle(mixed)
    assert fold(mixed).frozen() == fold(entries).frozen()


@given(HISTORIES, HISTORIES)
def test_two_histories_can_be_merged(one: list[Revocation], two: list[Revocation]) -> None:
    """Merging is the same from either side, and says at least what each history says."""
    assert fold([*one, *two]).frozen() == fold([*two, *one]).frozen()


@given(HISTORIES, ENTRIES, MARKS)
def test_nothing_is_taken_back(entries: list[Revocation], more: Revocation, mark: Mark) -> None:
    """One more entry never makes a verdict milder."""
    assert SEVERITY[fold([*entries, more]).covers(mark)] >= SEVERITY[fold(entries).covers(mark)]


@given(HISTORIES, st.integers(0, 3000), MARKS)
def test_compaction_forgets_nothing_that_matters(entries: list[Revocation], now: int, mark: Mark) -> None:
    """Who starts from a snapshot refuses all that who has read everything refuses, but for what was born since.

    A session's ending that is older than the retention covers credentials minted after it no more: there are none,
    since minting reads the row that the ending marked.
    """
    kept, floor = compact(entries, now, 600)
    whole, compacted = fold(entries).covers(mark), fold(kept, floor).covers(mark)
    gone = {entry.position for entry in entries} - {entry.position for entry in kept}
    if mark.tal < max(gone, default=mark.tal) or not any(entry.appended_at + 600 < now for entry in entries):
        assert (whole is None) == (compacted is None) or compacted is not None
    else:
        minted_after = [entry for entry in entries if entry.position > mark.tal or entry.ending.kind is Kind.KEY]
        assert SEVERITY[compacted] >= SEVERITY[slow(minted_after, mark)]


@given(HISTORIES, st.integers(0, 3000))
def test_compacting_twice_is_compacting_once(entries: list[Revocation], now: int) -> None:
    """A snapshot of a snapshot is the same snapshot."""
    kept, floor = compact(entries, now, 600)
    assert compact(kept, now, 600, floor) == (kept, floor)


@given(HISTORIES, st.lists(st.integers(0, 300), max_size=30), MARKS)
def test_forgetting_leaves_no_gap(entries: list[Revocation], steps: list[int], mark: Mark) -> None:
    """However time goes, what was minted before an entry is refused for ever: by the entry first, by the floor later."""
    index, now = RevocationIndex(), 0
    for entry in entries:
        index.add(entry)
    for step in steps:
        now += step
        index.age(now, 600)
        minted_before = [entry for entry in entries if entry.position > mark.tal or entry.ending.kind is Kind.KEY]
        assert slow(minted_before, mark) is None or index.covers(mark) is not None


@given(ENTRIES)
def test_an_entry_survives_the_wire(entry: Revocation) -> None:
    """What is read is what was written."""
    assert read_entry(json.loads(json.dumps(write_entry(entry)))) == entry


@given(HISTORIES)
def test_a_snapshot_survives_the_wire(entries: list[Revocation]) -> None:
    """What is read is what was written."""
    snapshot = Snapshot(Position(3, 0), GENESIS, tuple(entries), Position(1, 1))
    assert read_snapshot(write_snapshot(snapshot)) == snapshot


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_the_parser_never_crashes(raw: bytes) -> None:
    """Whatever bytes arrive, the parser reads a snapshot or says ValueError."""
    try:
        read_snapshot(raw)
    except ValueError:
        return
    raise AssertionError("random bytes were read as a snapshot")
