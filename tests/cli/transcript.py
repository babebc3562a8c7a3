"""Reads and plays transcripts: commands as they are typed, with what they print and how they end.

    # a comment
    $ echo 'a password' | tallystick account create ada@example.com --password-stdin
    <id:ada>
    ! created the account of ada@example.com
    $ tallystick session list --principal {ada}
    ! nobody is signed in
    $ tallystick account grant nobody@example.com notes:read
    ! tallystick: not_found: …
    ? 1

A line with `$` is a command, with `!` a line on stderr, with `?` the exit code (0 if there is none); every other line is
a line on stdout. `…` stands for any text within a line, a line that is only `⋮` for any number of lines,
`<id:name>` for an id that later commands and lines call `{name}`, `<position:name>` for a position, `<secret>` for a
client secret. `$ sign-in EMAIL PASSWORD` is the stage hand: it signs a browser in and prints session and access token.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_HOLE = re.compile(r"…|<(?P<kind>id|position|token|kid|secret)(?::(?P<name>[a-z_]+))?>")
_SHAPES = {
    "id": r"[1-9A-HJ-NP-Za-km-z]{22}",
    "position": r"[0-9]+\.[0-9]+",
    "token": r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+",
    "kid": r"[A-Za-z0-9_-]{1,64}",
    "secret": r"tss_[A-Za-z0-9_-]{43}",
}
ANY_LINES = "⋮"


@dataclass(slots=True)
class Command:
    """One command of a transcript.

    Args:
        line: where it stands in the file.
        typed: as it was typed.
        stdout: patterns of the lines expected.
        stderr: patterns of the lines expected.
        code: the exit code expected.
    """

    line: int
    typed: str
    stdout: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)
    code: int = 0


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command gave."""

    stdout: str
    stderr: str
    code: int


def commands(path: Path) -> list[Command]:
    """Reads the commands of a transcript."""
    found: list[Command] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("$ "):
            found.append(Command(number, line[2:]))
        elif line.startswith("#") or not line:
            continue
        elif line.startswith("! "):
            found[-1].stderr.append(line[2:])
        elif line.startswith("? "):
            found[-1].code = int(line[2:])
        else:
            found[-1].stdout.append(line)
    return found


def words_of(typed: str, known: dict[str, str]) -> tuple[list[str], str]:
    """Gives the words of the last command of a line and what is written into its stdin."""
    filled = filled_in(typed, known)
    if not filled.startswith("echo "):
        return shlex.split(filled), ""
    text, bar, rest = _split_at_bar(filled)
    assert bar, f"echo without a pipe: {typed}"
    return shlex.split(rest), " ".join(shlex.split(text)[1:]) + "\n"


def _split_at_bar(line: str) -> tuple[str, str, str]:
    before, bar, after = line.rpartition(" | ")
    return before, bar, after


def filled_in(text: str, known: dict[str, str]) -> str:
    """Puts what was captured before into the `{name}` of a text."""
    return re.sub(r"\{([a-z_]+)\}", lambda found: known.get(found[1], found[0]), text)


def pattern_of(line: str, known: dict[str, str]) -> re.Pattern[str]:
    """Gives the pattern that a line of a transcript is."""
    filled, parts, at = filled_in(line, known), [], 0
    for hole in _HOLE.finditer(filled):
        parts.append(re.escape(filled[at : hole.start()]))
        shape = _SHAPES[hole["kind"]] if hole["kind"] else ".*?"
        parts.append(f"(?P<{hole['name']}>{shape})" if hole["name"] else f"(?:{shape})")
        at = hole.end()
    return re.compile("".join(parts) + re.escape(filled[at:]))


def differences(expected: list[str], printed: str, known: dict[str, str]) -> Iterator[str]:
    """Names the first line that is not as expected; captures what the patterns name into `known`."""
    lines = [line.rstrip() for line in printed.splitlines()]
    at = 0
    for index, pattern in enumerate(expected):
        if pattern == ANY_LINES:
            following = expected[index + 1 :]
            if not following:
                return
            while at < len(lines) and not pattern_of(following[0], known).fullmatch(lines[at]):
                at += 1
            continue
        found = pattern_of(pattern, known).fullmatch(lines[at]) if at < len(lines) else None
        if found is None:
            yield f"expected {pattern!r}, got {lines[at] if at < len(lines) else 'nothing'!r}"
            return
        known.update({name: text for name, text in found.groupdict().items() if text})
        at += 1
    if at < len(lines):
        yield f"also printed {lines[at]!r}"


def play(path: Path, run: Callable[[list[str], str], Printed]) -> list[str]:
    """Plays a transcript and says what differs; ends at the first command that does.

    Args:
        path: the transcript.
        run: runs one command, given its words and its stdin.
    """
    known: dict[str, str] = {}
    for command in commands(path):
        printed = run(*words_of(command.typed, known))
        found = [
            *differences(command.stdout, printed.stdout, known),
            *(f"on stderr: {text}" for text in differences(command.stderr, printed.stderr, known)),
            *([f"exit code {printed.code}, not {command.code}"] if printed.code != command.code else []),
        ]
        if found:
            whole = f"stdout:\n{printed.stdout}\nstderr:\n{printed.stderr}"
            return [f"{path.name}:{command.line}: $ {command.typed}", *found, whole]
    return []
