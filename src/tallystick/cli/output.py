"""What the commands print.

The rules, which every command keeps:

* Data goes to stdout, words for people go to stderr; so a pipe carries data only.
* A list is a table for people and one JSON array with `--json`. Instants are UTC texts for people, whole seconds in JSON.
* Colours and lines only when stdout is a terminal; otherwise aligned plain text.
* An error is one line on stderr and carries its stable code.
* A secret is printed once, by the command that creates it, and nowhere else.
* Text that came from outside (labels, names) cannot reach the terminal as control characters or markup.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from tallystick.errors import Conflict, Misconfigured, TallystickError, Throttled, Unavailable

GOOD, REJECTED, USAGE, UNAVAILABLE = 0, 1, 2, 3
"""The exit codes."""
INTERRUPTED = 130
"""The exit code of a command that was stopped by Ctrl-C, as shells expect it."""


def exit_code(error: TallystickError) -> int:
    """Gives the exit code that an error ends a command with."""
    match error:
        case Unavailable() | Throttled() | Conflict():
            return UNAVAILABLE
        case Misconfigured():
            return USAGE
        case _:
            return REJECTED


def printable(text: str) -> str:
    """Gives a text with everything that a terminal could act upon replaced by a visible escape."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def say(words: str) -> None:
    """Tells people something: one line on stderr."""
    print(printable(words), file=sys.stderr, flush=True)


def complain(code: str, words: str) -> None:
    """Says what went wrong: one line on stderr, with the stable code."""
    say(f"tallystick: {code}: {' '.join(words.split())}")


def emit(value: object) -> None:
    """Writes one value as one line of JSON on stdout, at once."""
    print(json.dumps(value, ensure_ascii=False, separators=(", ", ": ")), flush=True)


def instant(at: int | None) -> str:
    """Gives an instant for people: UTC, to the second; a dash for none."""
    return "-" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def cell(value: object) -> str:
    """Gives the text of one cell of a table."""
    match value:
        case dict():
            return printable(", ".join(f"{name} {one}" for name, one in value.items())) or "-"
        case None | "" | () | []:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() | tuple() | set() | frozenset():
            return printable(" ".join(map(str, value)))
        case _:
            return printable(str(value))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """Writes a table on stdout: lines and bold heads on a terminal, aligned plain text elsewhere."""
    texts = [[cell(value) for value in row] for row in rows]
    if sys.stdout.isatty():
        _rich_table(columns, texts, title)
        return
    widths = [max(len(row[at]) for row in [list(columns), *texts]) for at in range(len(columns))]
    if title:
        print(title)
    for row in [[head.upper() for head in columns], *texts]:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    sys.stdout.flush()


def _rich_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title or None, box=SIMPLE_HEAD, title_justify="left")
    for number, head in enumerate(columns):
        # The first column is what people copy: an id.
        drawn.add_column(head, overflow="fold", no_wrap=number == 0)
    for row in rows:
        drawn.add_row(*(Text(text) for text in row))
    Console().print(drawn)


def show(facts: Mapping[str, object], *, as_json: bool) -> None:
    """Writes one thing on stdout: a JSON object, or a name and a value on each line."""
    if as_json:
        emit(dict(facts))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        text = instant(value) if name.endswith("_at") and isinstance(value, int) else cell(value)
        print(f"{name.ljust(width)}  {text}")
    sys.stdout.flush()


def show_list(things: Sequence[Mapping[str, object]], columns: Sequence[str], *, as_json: bool, none: str) -> None:
    """Writes a list: one JSON array with every fact, or a table with some of them.

    Args:
        things: the facts of each thing.
        columns: which facts the table shows.
        as_json: write JSON.
        none: what people are told when there is nothing.
    """
    if as_json:
        emit([dict(thing) for thing in things])
    elif not things:
        say(none)
    else:
        rows = [
            [instant(fact) if column.endswith("_at") and isinstance(fact, int) else fact for column, fact in pairs]
            for pairs in ([(column, thing[column]) for column in columns] for thing in things)
        ]
        table([column.removesuffix("_at").replace("_", " ") for column in columns], rows)


def hush() -> None:
    """Points stdout at nothing, after its reader went away, so that the last flush cannot fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
