"""Writes `docs/reference/cli.md` from the commands' own help; with `--check` only says whether the page differs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from tallystick.cli.main import cli

ROOT = Path(__file__).resolve().parent.parent
CLI_PAGE = ROOT / "docs" / "reference" / "cli.md"
WIDTH = 100

_HEAD = """# Command line

*Which command does it, and what can I tell it?*

<!-- Written by `make docs` from the commands of src/tallystick/cli; a test compares. -->

Data goes to stdout, words for people to stderr. Every list takes `--json`. An error is one line on stderr that carries
its stable [code](errors.md).

| exit code | means |
|---|---|
| 0 | good |
| 1 | rejected: the answer is no |
| 2 | usage: the command or the settings are wrong |
| 3 | unavailable: our own trouble; the same command may be given again |

Settings come from the same sources as those of `serve`: defaults, `tallystick.toml`, `TALLYSTICK_*`, flags. Without any,
the data is in `.tallystick/` below the working directory.
"""


def commands(command: click.Command, words: tuple[str, ...] = ("tallystick",)) -> Iterator[tuple[str, click.Context]]:
    """Gives every command that can be typed, with a context to ask for its help, in the order of the groups."""
    context = click.Context(
        command, info_name=words[-1], terminal_width=WIDTH, help_option_names=["-h", "--help"], max_content_width=WIDTH
    )
    if not isinstance(command, click.Group):
        yield " ".join(words), context
        return
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from commands(found, (*words, name))


def _section(words: str, context: click.Context) -> str:
    formatter = click.HelpFormatter(width=WIDTH)
    pieces = context.command.collect_usage_pieces(context)
    formatter.write_usage(words, " ".join(pieces))
    context.command.format_options(context, formatter)
    text = " ".join((context.command.help or "").split())
    return f"## {words}\n\n{text}\n\n```text\n{formatter.getvalue().rstrip()}\n```\n"


def cli_page() -> str:
    """Gives the text of the page: one heading for each command."""
    return "\n".join([_HEAD, *(_section(words, context) for words, context in commands(cli))])


def main() -> int:
    """Writes the page, or with `--check` exits 1 if it differs from the code."""
    wanted = cli_page()
    there = CLI_PAGE.read_text() if CLI_PAGE.exists() else ""
    if wanted == there:
        return 0
    if "--check" in sys.argv[1:]:
        print(f"{CLI_PAGE.relative_to(ROOT)} differs from the code: type 'make docs'", file=sys.stderr)
        return 1
    CLI_PAGE.parent.mkdir(parents=True, exist_ok=True)
    CLI_PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
