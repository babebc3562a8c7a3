"""What the commands print, whatever they are given."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module

import click
import pytest

from tallystick import errors
from tallystick.cli import output
from tallystick.cli.main import COMMANDS, run
from tests.support.processes import clean_environment
from tools.cli_reference import CLI_PAGE, cli_page


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.SessionEnded(), 1),
        (errors.InsufficientScope(), 1),
        (errors.NotFound(), 1),
        (errors.AlreadyExists(), 1),
        (errors.OAuthInvalidClient(), 1),
        (errors.Misconfigured(), 2),
        (errors.Unavailable(), 3),
        (errors.LeaseLapsed(), 3),
        (errors.Throttled(), 3),
        (errors.Conflict(), 3),
    ],
    ids=lambda value: value.code if isinstance(value, errors.TallystickError) else str(value),
)
def test_an_error_ends_with_its_exit_code(error: errors.TallystickError, code: int) -> None:
    """1 means no, 2 means that the command or the settings are wrong, 3 means try again."""
    assert output.exit_code(error) == code


def test_text_from_outside_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    """A label with escape sequences, line ends or markup is shown, not obeyed."""
    evil = "\x1b[2Jlaptop\r\nroot  \u202eevil [red]x[/red]"
    output.table(["label"], [[evil]])
    output.say(evil)
    shown = capsys.readouterr()
    assert shown.out.splitlines()[1:] == ["\\x1b[2Jlaptop\\r\\nroot  \\u202eevil [red]x[/red]"]
    assert shown.err == "\\x1b[2Jlaptop\\r\\nroot  \\u202eevil [red]x[/red]\n"


def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the text of an error, it is one line on stderr that begins with the stable code."""
    output.complain("session.ended", "one\ntwo\n  three")
    assert capsys.readouterr().err == "tallystick: session.ended: one two three\n"


def test_a_list_is_one_json_array(capsys: pytest.CaptureFixture[str]) -> None:
    """With `--json` a list is one array with every fact, also when it is empty."""
    output.show_list([], ["a"], as_json=True, none="nothing")
    output.show_list([{"a": 1, "b": ["é"]}], ["a"], as_json=True, none="nothing")
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [[], [{"a": 1, "b": ["é"]}]]


def test_an_empty_list_is_said_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """When there is nothing to list, stdout stays empty and people are told."""
    output.show_list([], ["a"], as_json=False, none="nobody is signed in")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "nobody is signed in\n")


def test_a_table_is_drawn_for_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal a table has lines, and text with brackets in it stays as it is."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    output.table(["name"], [["[bold]ada[/bold]"]], title="people")
    shown = capsys.readouterr().out
    assert "[bold]ada[/bold]" in shown
    assert "─" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_they_say(name: str) -> None:
    """The line that `--help` shows for a command is the first line of its own help."""
    row = COMMANDS[name]
    command = getattr(import_module(f"tallystick.cli.{row.module}"), row.name)
    assert isinstance(command, click.Command)
    assert (command.help or "").split("\n\n")[0].replace("\n", " ") == row.help


def test_help_loads_no_command() -> None:
    """`tallystick --help` loads neither the commands nor what they need, so that it answers at once."""
    program = "import sys; from tallystick.cli.main import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30, env=clean_environment()
    )
    loaded = set(done.stderr.split())
    assert "serve" in done.stdout
    assert not loaded & {"uvicorn", "starlette", "pydantic", "cryptography", "rich", "tallystick.embed", "asyncio"}


def test_a_fault_of_ours_does_not_look_like_a_refusal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception that nobody foresaw ends with 3, never with the 1 that means rejected."""

    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr("tallystick.cli.main.cli.main", fault)
    assert run([]) == output.UNAVAILABLE
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_the_page_of_commands_is_the_one_that_the_code_gives() -> None:
    """`docs/reference/cli.md` is what `make docs` writes."""
    assert CLI_PAGE.read_text() == cli_page()
