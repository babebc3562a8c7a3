"""Where each setting comes from: a flag, the environment, a secret file, a line of `tallystick.toml`, the preset, the default."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tallystick.errors import Misconfigured
from tallystick.server.declared import Declared, declared, did_you_mean, plain, value_of
from tallystick.server.settings import FILE, PREFIX, Settings

MASK = "********"
LINES_MAX = 5_000
_FILE_END = "_FILE"


@dataclass(frozen=True, slots=True)
class Explained:
    """A setting with its value.

    Args:
        name: with dots.
        value: as it is used; masked if it is secret.
        origin: where it comes from.
        description: what it is.
    """

    name: str
    value: Any
    origin: str
    description: str


def explain(flags: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> tuple[Explained, ...]:
    """Gives every setting with its value and where that comes from.

    Args:
        flags: what was said on the command line.
        environment: variables; those of this process by default.

    Raises:
        Misconfigured: the settings cannot be used.
    """
    variables = os.environ if environment is None else environment
    settings = Settings.load(**flags)
    lines = line_numbers(_text_of(FILE))
    found = []
    for one in declared():
        value = plain(value_of(settings, one.path))
        masked = MASK if one.secret and value is not None else value
        found.append(Explained(one.name, masked, _origin(one, settings, flags, variables, lines), one.description))
    return tuple(found)


def _origin(
    one: Declared,
    settings: Settings,
    flags: Mapping[str, Any],
    variables: Mapping[str, str],
    lines: Mapping[tuple[str, ...], int],
) -> str:
    if one.path[0] in flags:
        return "flag"
    upper = {name.upper(): name for name in variables}
    if one.variable in upper:
        return f"environment {upper[one.variable]}"
    for length in range(len(one.path) - 1, 0, -1):
        outer = PREFIX + "__".join(one.path[:length]).upper()
        if outer in upper and _says(variables[upper[outer]], one.path[length:]):
            return f"environment {upper[outer]}"
    if one.secret and one.variable + _FILE_END in variables:
        return f"file named by {one.variable}{_FILE_END}"
    if one.path in lines:
        return f"{FILE}:{lines[one.path]}"
    if one.path[0] == "policy" and value_of(settings, one.path) != one.default:
        return f"preset {settings.preset}"
    return "default"


def _says(text: str, path: tuple[str, ...]) -> bool:
    try:
        found = json.loads(text)
        for name in path:
            found = found[name]
    except (ValueError, KeyError, TypeError):
        return False
    return True


def _text_of(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file} cannot be read: {error}") from None


def line_numbers(text: str) -> dict[tuple[str, ...], int]:
    """Gives the line on which each value of a TOML text begins, the first line being 1.

    The reader of TOML tells no lines; but of the beginnings of a text, the first that can be read and has a value ends
    with that value, and the last one before it ends where the value begins.

    Raises:
        Misconfigured: the text is no TOML, or longer than a settings file has any reason to be.
    """
    lines = text.splitlines(keepends=True)
    if len(lines) > LINES_MAX:
        raise Misconfigured(f"{FILE} has more than {LINES_MAX} lines")
    found: dict[tuple[str, ...], int] = {}
    begins = 0
    for end in range(1, len(lines) + 1):
        if lines[end - 1].strip().startswith("#") or not lines[end - 1].strip():
            if begins == end - 1:
                begins = end
            continue
        try:
            # What lies before was read already; only tables that are open matter, so the whole beginning is read.
            parsed = tomllib.loads("".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
        for path in leaves(parsed):
            found.setdefault(path, begins + 1)
        begins = end
    return found


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Gives the path of every value in nested tables."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    else:
        yield path


def unknown_variables(environment: Mapping[str, str] | None = None) -> tuple[tuple[str, str], ...]:
    """Gives the environment variables that begin as ours and name no setting, each with the one that may be meant."""
    variables = os.environ if environment is None else environment
    all_settings = declared()
    known = {one.variable for one in all_settings}
    known |= {PREFIX + "__".join(one.path[:at]).upper() for one in all_settings for at in range(1, len(one.path))}
    known |= {one.variable + _FILE_END for one in all_settings if one.secret}
    names = tuple(sorted(one.removeprefix(PREFIX).lower() for one in known))
    ours = sorted(name for name in variables if name.upper().startswith(PREFIX) and name.upper() not in known)
    meant = {name: did_you_mean(name.upper().removeprefix(PREFIX), names).upper() for name in ours}
    return tuple((name, f"{PREFIX}{near}" if near else "") for name, near in meant.items())


def secrets_in_file() -> tuple[str, ...]:
    """Gives the secret settings whose values stand in the settings file."""
    try:
        said = set(leaves(tomllib.loads(_text_of(FILE))))
    except (tomllib.TOMLDecodeError, Misconfigured):
        return ()
    return tuple(one.name for one in declared() if one.secret and one.path in said)


def suggestion(name: str) -> str:
    """Gives words about a setting that does not exist: the name that may have been meant."""
    meant = did_you_mean(name, tuple(one.name for one in declared()))
    return f"there is no setting {name}" + (f"; did you mean {meant}?" if meant else "")
