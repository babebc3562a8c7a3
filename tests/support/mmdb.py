"""Writes small MaxMind DB files (format 2.0), so that the reader of places reads a real file of our own.

https://maxmind.github.io/MaxMind-DB/: a search tree over the bits of an address, sixteen zero bytes, the data that its
leaves point to, then a marker and the metadata. Addresses are IPv6; an IPv4 network lies under ::/96.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

_MARKER = b"\xab\xcd\xefMaxMind.com"
_BITS = 128
_STRING, _UINT16, _UINT32, _MAP, _UINT64, _ARRAY = 2, 5, 6, 7, 9, 11
_BUILT_AT = 1_760_000_000


def write_places(path: Path, places: Mapping[str, object]) -> Path:
    """Writes a file.

    Args:
        path: where to.
        places: network → its record, such as `{"203.0.113.0/24": city("Ada", "Wales")}`; networks do not overlap.
    """
    nodes: list[list[int | None]] = [[None, None]]
    data, leaves = bytearray(), list[tuple[int, int, int]]()
    for network, record in places.items():
        node, bit = _walk(nodes, network)
        leaves.append((node, bit, len(data)))
        data += _encoded(record)
    count = len(nodes)
    for node, bit, offset in leaves:
        nodes[node][bit] = count + 16 + offset
    tree = b"".join((count if half is None else half).to_bytes(3, "big") for pair in nodes for half in pair)
    path.write_bytes(tree + bytes(16) + bytes(data) + _MARKER + _encoded(_metadata(count)))
    return path


def city(name: str, country: str) -> dict[str, Any]:
    """Gives a record in the layout of GeoIP2 City."""
    return {"city": {"names": {"en": name}}, "country": {"iso_code": "XX", "names": {"en": country, "de": "?"}}}


def _walk(nodes: list[list[int | None]], network: str) -> tuple[int, int]:
    found = ip_network(network)
    length = found.prefixlen + (96 if isinstance(found, IPv4Network) else 0)
    assert isinstance(found, IPv4Network | IPv6Network)
    bits = [int(found.network_address) >> (_BITS - 1 - at) & 1 for at in range(length)]
    node = 0
    for bit in bits[:-1]:
        following = nodes[node][bit]
        if following is None:
            following = nodes[node][bit] = len(nodes)
            nodes.append([None, None])
        node = following
    return node, bits[-1]


def _metadata(count: int) -> dict[str, Any]:
    return {
        "node_count": count,
        "record_size": (_UINT16, 24),
        "ip_version": (_UINT16, 6),
        "database_type": "Test-City",
        "languages": ["en"],
        "binary_format_major_version": (_UINT16, 2),
        "binary_format_minor_version": (_UINT16, 0),
        "build_epoch": (_UINT64, _BUILT_AT),
        "description": {"en": "places of a test"},
    }


def _encoded(value: object) -> bytes:
    match value:
        case str():
            raw = value.encode()
            return _head(_STRING, len(raw)) + raw
        case dict():
            parts = [_encoded(key) + _encoded(one) for key, one in value.items()]
            return _head(_MAP, len(value)) + b"".join(parts)
        case list():
            return _head(_ARRAY, len(value)) + b"".join(map(_encoded, value))
        case (int(kind), int(number)):
            raw = number.to_bytes(8, "big").lstrip(b"\0")
            return _head(kind, len(raw)) + raw
        case int():
            return _encoded((_UINT32, value))
        case _:
            raise TypeError(f"no record holds {value!r}")


def _head(kind: int, size: int) -> bytes:
    # The size is in five bits; 29 and 30 say that one or two bytes more hold it. Kinds over 7 follow in a byte.
    short, more = size, b""
    if size >= 285:
        short, more = 30, struct.pack(">H", size - 285)
    elif size >= 29:
        short, more = 29, bytes((size - 29,))
    if kind <= 7:
        return bytes((kind << 5 | short,)) + more
    return bytes((short, kind - 7)) + more
