"""Bodies: JSON objects and forms, read strictly. What is doubtful is refused, so that no two readers can differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from tallystick.errors import InvalidRequest, UnsupportedBody

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
FIELDS_MAX = 32


class Body:
    """The members of a body, each asked for by name and type.

    Args:
        media_type: JSON or FORM.
        members: name → value.
    """

    __slots__ = ("media_type", "members")

    def __init__(self, media_type: str, members: Mapping[str, Any]) -> None:
        self.media_type = media_type
        self.members = members

    def text(self, name: str) -> str:
        """Gives a member that must be there; raises InvalidRequest."""
        value = self.find_text(name)
        if value is None:
            raise InvalidRequest(f"{name} is missing", public=f"The field '{name}' is missing.")
        return value

    def find_text(self, name: str) -> str | None:
        """Gives a member, or None if it is not there; raises InvalidRequest if it is no text."""
        value = self.members.get(name)
        if value is None:
            return None
        if type(value) is not str or not _is_unicode(value):
            raise InvalidRequest(f"{name} is no text", public=f"The field '{name}' must be a text.")
        return value

    def flag(self, name: str) -> bool:
        """Gives a yes or no, no if it is not there; a form says `true` or `on`, `false` or nothing."""
        value = self.members.get(name, False)
        if self.media_type == FORM:
            value = {"true": True, "on": True, "false": False, "": False}.get(
                str(value).lower() if value else "", value
            )
        if type(value) is not bool:
            raise InvalidRequest(f"{name} is no boolean", public=f"The field '{name}' must be true or false.")
        return value


def read_body(content_type: bytes | None, raw: bytes, accepted: tuple[str, ...] = (JSON, FORM)) -> Body:
    """Reads a body.

    Args:
        content_type: the header, or None.
        raw: at most 64 KiB.
        accepted: the media types that the endpoint reads.

    Raises:
        UnsupportedBody: another media type, or a charset that is not UTF-8.
        InvalidRequest: it does not parse, or says something twice.
    """
    media_type, _, parameters = (content_type or b"").decode("latin-1").lower().partition(";")
    media_type = media_type.strip(" \t")
    if media_type not in accepted:
        raise UnsupportedBody("a content type that is not read here", public=f"Send {' or '.join(accepted)}.")
    if parameters and parameters.strip(" \t").replace('"', "") not in ("", "charset=utf-8"):
        raise UnsupportedBody("a parameter of the content type that is not known", public="Send UTF-8.")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise InvalidRequest("the body is not UTF-8", public="The body is not UTF-8.") from None
    return Body(media_type, parse_json(text) if media_type == JSON else parse_form(text))


def parse_json(text: str) -> dict[str, Any]:
    """Parses a JSON object: no member twice, no NaN, no nesting beyond reason (RFC 8259 with section 4 made strict).

    Raises:
        InvalidRequest: it is none.
    """
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except (ValueError, RecursionError):
        raise InvalidRequest("the body is no JSON that we read", public="The body is not a JSON object.") from None
    if type(found) is not dict:
        raise InvalidRequest("the body is no JSON object", public="The body is not a JSON object.")
    return found


def parse_form(text: str) -> dict[str, str]:
    """Parses a form: no name twice, UTF-8 behind the percent signs.

    Raises:
        InvalidRequest: it is none.
    """
    parts = [part for part in text.split("&") if part]
    if len(parts) > FIELDS_MAX:
        raise InvalidRequest("too many fields", public="The form has too many fields.")
    members = {}
    try:
        for part in parts:
            name, _, value = part.partition("=")
            members[decoded(name)] = decoded(value)
    except ValueError:
        raise InvalidRequest("the form is not UTF-8", public="The form is not UTF-8.") from None
    if len(members) != len(parts):
        raise InvalidRequest("a field came twice", public="A field came twice.")
    return members


def decoded(text: str) -> str:
    """Undoes the encoding of forms; raises ValueError if there is no UTF-8 behind the percent signs."""
    return unquote_to_bytes(text.replace("+", " ")).decode() if "%" in text or "+" in text else text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member came twice")
    return members


def _constant(name: str) -> None:
    raise ValueError(name)


def _is_unicode(text: str) -> bool:
    # JSON escapes can write half of a surrogate pair, which is no text and cannot be stored.
    return not any("\ud800" <= sign <= "\udfff" for sign in text)
