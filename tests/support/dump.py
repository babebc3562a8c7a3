"""Everything that a store keeps, as bytes: what somebody has who got hold of it."""

from __future__ import annotations

import re
import sqlite3
from base64 import b32encode, b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from tests.support.house import House, database

_WORDS = re.compile(rb"[A-Za-z0-9+/_=.~-]{16,}")
_HEX = re.compile(rb"[0-9a-fA-F]{32,}")


def values_of(house: House) -> list[bytes]:
    """Gives every value of every table and of the log, each as bytes."""
    if house.kind == "memory":
        return list(_walk(house.door.store._state, set()))
    found = []
    with closing(sqlite3.connect(database(house.folder))) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                found += [value if isinstance(value, bytes) else str(value).encode() for value in row]
    return found


def dump_of(house: House) -> bytes:
    """Gives everything in one: the values, and on disk the raw bytes of every file beside the database too."""
    raw = [path.read_bytes() for path in sorted(house.folder.glob("tallystick.db*"))] if house.kind == "sqlite" else []
    return b"\n".join([*values_of(house), *raw])


def forms_of(secret: str) -> Iterator[bytes]:
    """Gives the ways in which a secret could have been written down: as it is, encoded, or turned around."""
    plain = secret.encode()
    yield plain
    yield plain.hex().encode()
    yield b64encode(plain).rstrip(b"=")
    yield urlsafe_b64encode(plain).rstrip(b"=")
    yield b32encode(plain).rstrip(b"=")
    for part in _parts_of(secret):
        yield part.encode()
        try:
            yield urlsafe_b64decode(part + "=" * (-len(part) % 4))
        except ValueError:
            continue


def _parts_of(secret: str) -> list[str]:
    """Gives the random parts of a secret, without the prefix that tells its kind."""
    if secret.startswith("tsr_"):
        return [secret.split("_", 3)[3]]
    if secret.startswith("ts"):
        return [secret[4:]]
    return [part for part in secret.split(".") if len(part) >= 40]


def blobs_of(values: list[bytes]) -> set[bytes]:
    """Gives everything in a dump that could be a key: each value, and what it would be if it were hex or base64."""
    found: set[bytes] = set()
    for value in values:
        found.add(value)
        for word in _WORDS.findall(value):
            found.add(word)
            padded = word.replace(b"-", b"+").replace(b"_", b"/") + b"=" * (-len(word) % 4)
            try:
                found.add(b64decode(padded, validate=True))
            except ValueError:
                continue
        found |= {bytes.fromhex(word.decode()) for word in _HEX.findall(value) if len(word) % 2 == 0}
    return {one for one in found if len(one) >= 16}


def _walk(value: Any, seen: set[int]) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield bytes(value)
    elif isinstance(value, Enum):
        yield str(value.value).encode()
    elif isinstance(value, str | int | float | bool) or value is None:
        yield str(value).encode()
    elif id(value) not in seen:
        seen.add(id(value))
        if isinstance(value, Mapping):
            for key, one in value.items():
                yield from _walk(key, seen)
                yield from _walk(one, seen)
        elif isinstance(value, list | tuple | set | frozenset):
            for one in value:
                yield from _walk(one, seen)
        elif is_dataclass(value):
            for each in fields(value):
                yield from _walk(getattr(value, each.name), seen)
        else:
            for one in getattr(value, "__dict__", {}).values():
                yield from _walk(one, seen)
