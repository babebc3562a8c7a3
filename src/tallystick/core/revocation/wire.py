"""Entries and snapshots on the wire: JSON, read strictly.

An entry is `{"at": 1700000000, "chain": "<32 hex digits>", "kind": 1, "name": "…", "position": "1.42"}`. Unknown members
are refused, so that a later version which means more by them is never half understood.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

from tallystick.core.revocation.entry import Ending, Kind, Position, Revocation
from tallystick.core.revocation.feed import Snapshot

NAME_MAX = 64
INSTANT_MAX = 2**40
_CHAIN = re.compile(r"[0-9a-f]{32}")


def write_entry(entry: Revocation) -> dict[str, object]:
    """Gives an entry as the members of a JSON object."""
    return {
        "at": entry.appended_at,
        "chain": entry.chain.hex(),
        "kind": int(entry.ending.kind),
        "name": str(entry.ending.name),
        "position": entry.position.text(),
    }


def read_entry(found: object) -> Revocation:
    """Reads one entry.

    Raises:
        ValueError: it is none; the message names members, never their values.
    """
    at, chain, kind, name, position = _members(found, ("at", "chain", "kind", "name", "position"))
    if type(at) is not int or not 0 <= at < INSTANT_MAX:
        raise ValueError("at is no instant")
    if type(kind) is not int or type(name) is not str or len(name) > NAME_MAX or not name.isascii():
        raise ValueError("kind is no number, or name is no name")
    return Revocation(_position(position), Ending(Kind(kind), name), at, _chain(chain))


def write_snapshot(snapshot: Snapshot) -> bytes:
    """Gives a snapshot as JSON in UTF-8."""
    members = {
        "chain": snapshot.chain.hex(),
        "entries": [write_entry(entry) for entry in snapshot.entries],
        "floor": snapshot.floor.text(),
        "position": snapshot.position.text(),
    }
    return json.dumps(members, separators=(",", ":")).encode()


def read_snapshot(raw: bytes) -> Snapshot:
    """Reads a snapshot.

    Raises:
        ValueError: it is none, or its entries are not in order, or one lies beyond its position.
    """
    try:
        found = json.loads(raw.decode(), object_pairs_hook=_once, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    chain, entries, floor, position = _members(found, ("chain", "entries", "floor", "position"))
    if type(entries) is not list:
        raise ValueError("entries is no list")
    read = tuple(read_entry(entry) for entry in entries)
    places = [entry.position for entry in read]
    head, lowest = _position(position), _position(floor)
    if any(later <= earlier for earlier, later in pairwise(places)):
        raise ValueError("entries are not in order of position")
    if max((lowest, *places[-1:])) > head:
        raise ValueError("an entry or the floor lies beyond position")
    return Snapshot(head, _chain(chain), read, lowest)


def _members(found: object, names: tuple[str, ...]) -> list[Any]:
    if type(found) is not dict or found.keys() != set(names):
        raise ValueError(f"not an object with exactly the members {', '.join(names)}")
    return [found[name] for name in names]


def _position(text: object) -> Position:
    position = Position.parse(text) if type(text) is str else None
    if position is None:
        raise ValueError("a position that is none")
    return position


def _chain(text: object) -> bytes:
    if type(text) is not str or not _CHAIN.fullmatch(text):
        raise ValueError("chain is not 32 hex digits")
    return bytes.fromhex(text)


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a member twice")
    return found


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
