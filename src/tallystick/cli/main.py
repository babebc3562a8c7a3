"""The `tallystick` command: finds the sub-command, loads only that one, turns errors into one line and an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple, NoReturn

import click

from tallystick.cli import output
from tallystick.errors import TallystickError


class Row(NamedTuple):
    """Where a command lives, and what `--help` says of it without loading it."""

    module: str
    name: str
    help: str


COMMANDS = {
    "init": Row("init", "init", "Write the settings file, and make the root key, the database and an administrator."),
    "serve": Row("serve", "serve", "Run the server."),
    "doctor": Row("doctor", "doctor", "Find mistakes of the set-up, each with its fix."),
    "config": Row("config", "config", "What is set, and where that comes from."),
    "account": Row("account", "account", "People, and what they may do."),
    "client": Row("client", "client", "Apps and services."),
    "session": Row("session", "session", "Who is signed in where."),
    "principal": Row("principal", "principal", "Whoever is authenticated: a person or a service."),
    "keys": Row("keys", "keys", "Signing keys."),
    "log": Row("log", "log", "The revocation log."),
    "backup": Row("backup", "backup", "Copy the store into one file, while it is served."),
    "restore": Row("restore", "restore", "Put a backup in the place of the store, so that nothing ended comes back."),
    "audit": Row("audit", "audit", "Who did what to whom, from where and why."),
    "verify": Row("verify", "verify", "Say whether an access token is good, or why not."),
    "demo": Row("demo.command", "demo", "Tell the whole story with real processes, and check every step."),
}
"""Sub-command → where it lives. A test compares the texts with the commands' own."""


class LazyGroup(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Gives the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Loads one command."""
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        command = getattr(import_module(f"tallystick.cli.{row.module}"), row.name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Runs the command; when the reader of stdout has gone away there is nobody left to complain to."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            output.hush()
            return output.GOOD

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.help) for name, row in COMMANDS.items()])


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"tallystick {version('tallystick')}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Print the version."
)
def cli() -> None:
    """Sessions that verify like JWTs. JWTs that revoke like sessions.

    Data goes to stdout, words to stderr. Exit codes: 0 good, 1 rejected, 2 usage, 3 unavailable.
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and gives its exit code.

    Args:
        arguments: the words after `tallystick`; those of this process by default.
    """
    try:
        code = cli.main(
            args=None if arguments is None else list(arguments), prog_name="tallystick", standalone_mode=False
        )
        sys.stdout.flush()
    except click.UsageError as error:
        return _misused(error)
    except click.ClickException as error:
        output.complain("usage", error.format_message())
        return output.USAGE
    except (click.Abort, KeyboardInterrupt):
        return output.INTERRUPTED
    except TallystickError as error:
        output.complain(error.code, error.detail or error.public)
        return output.exit_code(error)
    except OSError as error:
        output.complain("unavailable", str(error))
        return output.UNAVAILABLE
    except Exception:  # noqa: BLE001  (a fault of ours must not end with 1, which says that a credential is no good)
        traceback.print_exc()
        return output.UNAVAILABLE
    return code if isinstance(code, int) else output.GOOD


def _misused(error: click.UsageError) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        print(error.format_message(), file=sys.stderr)
        return output.USAGE
    where = error.ctx.command_path if error.ctx else "tallystick"
    output.complain("usage", f"{error.format_message()} (see: {where} --help)")
    return output.USAGE


def main() -> NoReturn:
    """Runs the command line in this process and ends it."""
    sys.exit(run())


if __name__ == "__main__":
    main()
