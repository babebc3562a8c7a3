"""Strict base64url and strict JSON: one text for one meaning, and a bound on everything.

Both readers raise ValueError; whoever calls them knows what was read and raises the typed error.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from binascii import a2b_base64
from math import isfinite
from typing import Any, NoReturn

NESTING_MAX = 16
"""How deep arrays and objects may lie in each other; far below what could exhaust the stack."""

_PADDING = ("", "", "==", "=")
_LAST = ("", "", "AQgw", "AEIMQUYcgkosw048")
"""The last signs, by length modulo 4, that leave no unused bit set (RFC 4648 section 3.5); no length leaves 1 over."""
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
"""A JSON string, or one that never ends: each sign is looked at once, whatever the text."""
_SPACE = " \t\n\r"


def encode(raw: bytes) -> str:
    """Gives base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Reads base64url, canonical form only: no padding, no other sign, no unused bit set (RFC 7515 section 2).

    Raises:
        ValueError: it is something else. (binascii.Error is one.)
    """
    if "+" in text or "/" in text or "=" in text:
        raise ValueError("base64 of another alphabet, or padded")
    return decode_urlsafe(text)


def decode_urlsafe(text: str) -> bytes:
    """Reads base64url as `decode` does, from a text that is known to have none of `+`, `/` and `=`."""
    odd = len(text) & 3
    if odd:
        if text[-1] not in _LAST[odd]:
            raise ValueError("base64url that is not canonical")
        text += _PADDING[odd]
    return a2b_base64(text.replace("-", "+").replace("_", "/"), strict_mode=True)


def _members_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a member twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError("a number that is not finite")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_scan = json.JSONDecoder(parse_float=_finite, parse_constant=_no_constant).scan_once  # type: ignore[attr-defined]
_scan_once_each = json.JSONDecoder(
    object_pairs_hook=_members_once, parse_float=_finite, parse_constant=_no_constant
).raw_decode


def _nesting(text: str) -> int:
    """Gives at least how deep arrays and objects lie in each other; exactly, where it is more than there are brackets."""
    if (brackets := text.count("[") + text.count("{")) <= NESTING_MAX:
        return brackets
    deepest = depth = 0
    for sign in _STRING.sub("", text):
        if sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "]}":
            depth -= 1
    return deepest


def read_object(raw: bytes) -> dict[str, Any]:
    """Reads a JSON object: UTF-8 only, no member twice, finite numbers, whole Unicode texts, bounded nesting.

    Raises:
        ValueError: it is something else. (UnicodeDecodeError and JSONDecodeError are some.)
    """
    text = raw.decode()
    if "[" not in text and "\\" not in text and text.find("{", 1) < 0:
        # The plain case, read without the hooks. A lone object of n + 1 members has at least n commas: where the text has
        # no more than that, no member was there twice. Whatever else it may be is judged below.
        try:
            found, end = _scan(text, 0)
        except StopIteration:
            raise ValueError("not JSON") from None
        if end == len(text) and type(found) is dict and text.count(",") + 1 == len(found):
            return found
    return _read_carefully(text)


def _read_carefully(text: str) -> dict[str, Any]:
    text = text.strip(_SPACE)
    if _nesting(text) > NESTING_MAX:
        raise ValueError("nested too deeply")
    found, end = _scan_once_each(text)
    if end != len(text) or type(found) is not dict:
        raise ValueError("not one JSON object")
    if "\\" in text:
        # An escape can name half of a surrogate pair, which no UTF-8 can say.
        json.dumps(found, ensure_ascii=False).encode()
    return found


def write_object(members: dict[str, Any]) -> bytes:
    """Gives compact JSON in UTF-8, members in the order given."""
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
