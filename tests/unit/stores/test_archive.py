"""The archive of the log: what continues a backup without a gap is taken, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tallystick.core.revocation.entry import EVERYTHING, Ending, Kind, Position, Revocation, place
from tallystick.errors import BackupRefused
from tallystick.stores.archive import LINE_MAX, Anchor, anchored, continued, read_line, written

CHAIN = bytes(range(16))
HEAD = Position(1, 3)


def history(count: int, epoch: int = 1, start: int = 4, chain: bytes = CHAIN) -> list[Revocation]:
    """Gives entries that continue a log."""
    found = []
    for seq in range(start, start + count):
        entry = place(chain, Position(epoch, seq), Ending(Kind.SESSION, f"session-{seq}"), 1_700_000_000 + seq)
        chain = entry.chain
        found.append(entry)
    return found


ENTRIES = history(5)
LINES = [json.dumps(written(entry)) for entry in ENTRIES]
ANCHOR = json.dumps(anchored(HEAD, CHAIN))


def test_what_is_written_is_read_again() -> None:
    """An entry and an anchor survive being written as a line."""
    assert [read_line(line) for line in LINES] == ENTRIES
    assert read_line(ANCHOR) == Anchor((HEAD, CHAIN))
    everything = place(CHAIN, Position(2, 1), EVERYTHING, 7)
    assert read_line(json.dumps(written(everything))) == everything


@pytest.mark.parametrize(
    "lines",
    [
        LINES,
        [ANCHOR, *LINES],
        [ANCHOR, *LINES[:2], json.dumps(anchored(ENTRIES[1].position, ENTRIES[1].chain)), *LINES[2:]],
        [json.dumps(anchored(Position(1, 1), bytes(16))), *LINES],
        ["", *LINES, " "],
        [*LINES, LINES[1], LINES[4]],
        [json.dumps(written(history(1, start=2)[0])), *LINES],
        [json.dumps(written(history(1, epoch=0, start=9)[0])), *LINES],
        [*LINES, LINES[0][:30]],
        [*LINES, '{"posi'],
    ],
)
def test_an_archive_without_a_gap_continues_a_backup(lines: list[str]) -> None:
    """Anchors, repeated lines, lines of before the backup and a torn last line change nothing."""
    assert continued(lines, HEAD, CHAIN) == tuple(ENTRIES)


def test_an_archive_may_end_where_the_backup_does() -> None:
    """Where nothing has ended since, nothing is to be applied."""
    assert continued([ANCHOR], HEAD, CHAIN) == ()
    assert continued([], HEAD, CHAIN) == ()
    assert continued(LINES, ENTRIES[-1].position, ENTRIES[-1].chain) == ()


def altered(number: int, **changes: object) -> list[str]:
    """Gives the lines with one member of one of them changed."""
    lines = list(LINES)
    lines[number] = json.dumps(json.loads(lines[number]) | changes)
    return lines


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        (LINES[1:], "gap"),
        ([*LINES[:2], *LINES[3:]], "gap"),
        ([LINES[0], LINES[2], LINES[1], *LINES[3:]], "gap"),
        (altered(2, name="another"), "altered"),
        (altered(2, kind="principal"), "altered"),
        (altered(2, appended_at=5), "altered"),
        (altered(2, chain="00" * 16), "altered"),
        (altered(0, position="1.3"), "contradicts"),
        ([json.dumps(anchored(HEAD, bytes(16))), *LINES], "contradicts"),
        ([json.dumps(anchored(ENTRIES[1].position, ENTRIES[1].chain)), *LINES[2:]], "missing"),
        ([*LINES, json.dumps(written(history(1, epoch=2, start=1)[0]))], "new epoch"),
        ([*LINES[:2], "{", *LINES[2:]], "line 3"),
        ([*LINES, "{}"], "line 6"),
        ([json.dumps(written(entry)) for entry in history(2, chain=bytes(16))], "another store|of another|altered"),
    ],
)
def test_whatever_is_missing_or_altered_is_refused(lines: list[str], word: str) -> None:
    """A line that is missing, changed, in another place, or of another log: the archive is refused as a whole."""
    with pytest.raises(BackupRefused, match=word):
        continued(lines, HEAD, CHAIN)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda line: line | {"more": 1},
        lambda line: {name: value for name, value in line.items() if name != "chain"},
        lambda line: line | {"position": "1"},
        lambda line: line | {"position": 14},
        lambda line: line | {"kind": "user"},
        lambda line: line | {"kind": 1},
        lambda line: line | {"name": None},
        lambda line: line | {"name": ""},
        lambda line: line | {"appended_at": -1},
        lambda line: line | {"appended_at": True},
        lambda line: line | {"chain": "zz" * 16},
        lambda line: line | {"chain": 5},
        lambda line: line | {"name": "x" * LINE_MAX},
        lambda line: [line],
    ],
)
def test_a_line_that_is_none_is_refused(spoil: Callable[[dict[str, object]], object]) -> None:
    """Lines are read strictly: every member, each of its kind, and no other."""
    with pytest.raises((ValueError, TypeError)):
        read_line(json.dumps(spoil(json.loads(LINES[0]))))


def test_a_line_that_nests_for_ever_is_refused() -> None:
    """Nesting cannot exhaust the reader."""
    for text in ("[" * 900, "[" * 500 + "]" * 500, "NaN", '"text"'):
        with pytest.raises(ValueError, match=r"."):
            read_line(text)
