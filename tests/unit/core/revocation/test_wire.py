"""Entries and snapshots on the wire: what is written is read again, anything else is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tallystick.core.revocation.entry import Kind, Position
from tallystick.core.revocation.feed import Snapshot
from tallystick.core.revocation.wire import read_entry, read_snapshot, write_entry, write_snapshot
from tests.unit.core.revocation.views import entry

ENTRY = write_entry(entry(Kind.SESSION, 5))
SNAPSHOT = Snapshot(Position(1, 9), bytes(16), (entry(Kind.SESSION, 5), entry(Kind.ALL, 7)), Position(1, 2))


@pytest.mark.parametrize("kind", list(Kind))
def test_an_entry_is_read_as_it_was_written(kind: Kind) -> None:
    """Each kind of entry survives the way over the wire."""
    assert read_entry(json.loads(json.dumps(write_entry(entry(kind, 5))))) == entry(kind, 5)


def test_a_snapshot_is_read_as_it_was_written() -> None:
    """A snapshot survives the way over the wire."""
    assert read_snapshot(write_snapshot(SNAPSHOT)) == SNAPSHOT
    empty = Snapshot(Position(1, 0), bytes(16), (), Position(0, 0))
    assert read_snapshot(write_snapshot(empty)) == empty


@pytest.mark.parametrize(
    "changed",
    [
        {"at": "1"}, {"at": -1}, {"at": 2**40}, {"at": True}, {"at": 1.0},
        {"chain": "00"}, {"chain": "G" * 32}, {"chain": 5}, {"chain": "A" * 32},
        {"kind": 0}, {"kind": 99}, {"kind": "1"}, {"kind": True},
        {"name": 5}, {"name": "x" * 65}, {"name": "é"}, {"name": ""},
        {"position": "1"}, {"position": 5}, {"position": "01.2"}, {"more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_an_entry_that_breaks_a_rule_is_refused(changed: dict[str, Any]) -> None:
    """A member that is missing, unknown or of another form is refused by name."""
    with pytest.raises(ValueError):
        read_entry({**ENTRY, **changed})


@pytest.mark.parametrize("found", [None, 5, [], {}, {name: ENTRY[name] for name in list(ENTRY)[1:]}], ids=str)
def test_what_is_no_entry_is_refused(found: object) -> None:
    """Something else than an object with the five members is refused."""
    with pytest.raises(ValueError, match="exactly the members"):
        read_entry(found)


def snapshot_with(**changed: Any) -> bytes:
    """A snapshot in JSON with members replaced."""
    return json.dumps({**json.loads(write_snapshot(SNAPSHOT)), **changed}).encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff",
        b"[",
        b"[" * 100_000,
        b'{"chain": NaN}',
        b'{"chain": 1, "chain": 1}',
        snapshot_with(entries={}),
        snapshot_with(entries=[ENTRY, ENTRY]),
        snapshot_with(position="1.4"),
        snapshot_with(floor="1.10"),
        snapshot_with(more=1),
    ],
    ids=lambda raw: raw[:30].decode("latin-1"),
)
def test_a_snapshot_that_breaks_a_rule_is_refused(raw: bytes) -> None:
    """Text that is no JSON, repeats a member, is out of order or reaches beyond its position is refused."""
    with pytest.raises(ValueError):
        read_snapshot(raw)
