"""Writes `tallystick.toml`: every setting with its sentence, what was chosen as it is, everything else commented out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import tomlkit

from tallystick.server.declared import Declared, declared, plain

WIDTH = 100
_HEAD = """\
# The settings of tallystick, read from the working directory of every `tallystick` command.
#
# Stronger than this file are flags and the environment: `port` is TALLYSTICK_PORT, and `__` stands for the dot.
# A line that begins with `# name =` shows the default; take the `# ` away to change it.
# `tallystick config explain` shows what is in force, and from where. `tallystick doctor` finds mistakes.
"""
_ROOT_KEY = "Keep the root key apart from the database in backups."
_POLICY = "What the preset does not say as you want it. The defaults that are shown are those of the preset `default`."


def settings_text(chosen: Mapping[str, Any]) -> str:
    """Gives the text of a settings file.

    Args:
        chosen: names with dots, and their values; everything else is shown as a comment.

    Raises:
        KeyError: a name is of no setting.
    """
    known = declared()
    unknown = set(chosen) - {one.name for one in known}
    if unknown:
        raise KeyError(f"there is no setting {', '.join(sorted(unknown))}")
    pieces = [_HEAD]
    table: tuple[str, ...] = ()
    for one in sorted(known, key=_after_the_plain_ones):
        if one.path[:-1] != table:
            table = one.path[:-1]
            said = not one.optional or any(name.startswith(f"{'.'.join(table)}.") for name in chosen)
            note = f"{_comment(_POLICY)}\n" if table == ("policy",) else ""
            pieces.append(f"{note}{'' if said else '# '}[{'.'.join(table)}]\n")
        pieces.append("\n".join(_lines(one, chosen)) + "\n")
    text = "\n".join(pieces)
    # Whatever is written here is read again by the reader of TOML, before anybody relies on it.
    return tomlkit.dumps(tomlkit.parse(text))


def _after_the_plain_ones(one: Declared) -> tuple[tuple[str, ...], ...]:
    # In TOML what belongs to no table comes before every table. A stable sort keeps the order of the declarations.
    return (one.path[:-1],)


def _lines(one: Declared, chosen: Mapping[str, Any]) -> Iterator[str]:
    yield _comment(one.description)
    if one.name == "root_key_file":
        yield _comment(_ROOT_KEY)
    if one.name in chosen:
        yield f"{one.path[-1]} = {_written(chosen[one.name])}"
    elif one.secret:
        yield _comment(f"A secret: better in a file that {one.variable}_FILE names than here.")
        yield f'# {one.path[-1]} = ""'
    elif one.default is None:
        yield f'# {one.path[-1]} = ""'
    else:
        yield f"# {one.path[-1]} = {_written(one.default)}"


def _written(value: Any) -> str:
    return str(tomlkit.item(plain(value)).as_string())


def _comment(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False)
