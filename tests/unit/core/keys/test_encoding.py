"""Strict base64url and strict JSON."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import pytest

from tallystick.core.keys.encoding import NESTING_MAX, decode, encode, read_object, write_object


@pytest.mark.parametrize("raw", [b"", b"f", b"fo", b"foo", b"\xfb\xff\xfe", bytes(range(256))])
def test_octets_survive_base64url(raw: bytes) -> None:
    """What is encoded is decoded to the same octets, without padding."""
    assert encode(raw) == urlsafe_b64encode(raw).decode().rstrip("=")
    assert decode(encode(raw)) == raw


@pytest.mark.parametrize(
    "text",
    [
        "Zg==",
        "Zg=",
        "Zm8=",
        "=",
        "Zg.",
        "Z",
        "Zm9vY",
        "Zh",
        "Zm9",
        "Zm9v\n",
        " Zm9v",
        "Zm 9v",
        "+_-/",
        "ab+c",
        "ab/c",
        "é€aa",
    ],
)
def test_only_one_text_stands_for_octets(text: str) -> None:
    """Padding, unused bits, white space, the other alphabet and impossible lengths are refused."""
    with pytest.raises(ValueError):
        decode(text)


def test_the_last_sign_leaves_no_unused_bit() -> None:
    """Of the 64 last signs a text of one octet could have, four are canonical; of two octets, sixteen."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    def good(text: str) -> bool:
        try:
            return encode(decode(text)) == text
        except ValueError:
            return False

    assert "".join(sign for sign in alphabet if good(f"Z{sign}")) == "AQgw"
    assert "".join(sign for sign in alphabet if good(f"Zm{sign}")) == "AEIMQUYcgkosw048"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a":1}', {"a": 1}),
        (' {"a" : 1 }\r\n', {"a": 1}),
        ('\n{"a":[1,2,{"b":null}]}', {"a": [1, 2, {"b": None}]}),
        ('{"a":"1,2,3"}', {"a": "1,2,3"}),
        ('{"a":1.5,"b":true}', {"a": 1.5, "b": True}),
        ('{"a":"\\u00e9\\ud83d\\ude00"}', {"a": "é😀"}),
        ('{"a":"é"}', {"a": "é"}),
        ("{}", {}),
        ('{"a":"[[[[[[[[[[[[[[[[[[[[\\""}', {"a": '[[[[[[[[[[[[[[[[[[[["'}),
    ],
)
def test_an_object_is_read(text: str, found: dict[str, object]) -> None:
    """A JSON object is read as what it says, white space around it included."""
    assert read_object(text.encode()) == found


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"null",
        b'"a"',
        b"[]",
        b"1",
        b"{",
        b'{"a":1',
        b'{"a":1}}',
        b'{"a":1}{}',
        b'{"a":1} x',
        b"{'a':1}",
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"a":1,"\\u0061":2}',
        b'{"a" :1,"b":{"c":1,"c":2}}',
        b'{"a":[{"c":1,"c":2}]}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":[-Infinity]}',
        b'{"a":1e999}',
        b'{"a":[1e999]}',
        b'{"a":"\n"}',
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-16-le"),
        '{"a":1}'.encode("utf-32"),
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"' + b"\\",
    ],
)
def test_what_is_no_strict_object_is_refused(raw: bytes) -> None:
    """Repeated members, other encodings, half characters, infinite numbers and anything behind the object are refused."""
    with pytest.raises(ValueError):
        read_object(raw)


def test_a_repeated_member_hides_behind_no_comma() -> None:
    """A repeated member is found however many commas the texts have and however the object is spaced."""
    for text in ('{"a":",","a":1}', '{"a" : 1 , "a" : ",,," }', '{"a":1,"b":2,"a":3}', '{"":1,"":2}'):
        assert len(json.loads(text)) < text.count(":")
        with pytest.raises(ValueError):
            read_object(text.encode())


def test_nesting_is_bounded() -> None:
    """Sixteen levels are read; one more is refused, long before the stack could end, and quickly however long the text."""

    def nested(levels: int) -> bytes:
        return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"

    assert read_object(nested(NESTING_MAX))
    wide = b'{"a":[' + b",".join([b"[]"] * 100) + b"]}"
    assert len(read_object(wide)["a"]) == 100
    for levels in (NESTING_MAX + 1, 10_000, 100_000):
        with pytest.raises(ValueError, match="nested"):
            read_object(nested(levels))
    with pytest.raises(ValueError):
        read_object(b'{"a":"' + b'\\"[' * 50_000)


def test_an_object_is_written_compactly() -> None:
    """JSON is written without spaces, in UTF-8, and never with numbers that JSON has not."""
    assert write_object({"a": "é", "b": [1, 2]}) == '{"a":"é","b":[1,2]}'.encode()
    with pytest.raises(ValueError):
        write_object({"a": float("nan")})
