"""`tallystick init`: from an empty folder to something that serves."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tallystick.cli import output
from tallystick.cli.account import password_of_stdin
from tallystick.server.founding import Founded, found_in
from tallystick.server.settings import FILE

_LOCAL = "http://localhost:8000"


@click.command("init")
@click.option("--issuer", metavar="URL", help="The URL under which everybody will know this server.")
@click.option("--admin", metavar="EMAIL", help="Make an administrator with this e-mail address.")
@click.option("--root-key-file", type=click.Path(path_type=Path), help="Where the root key is, or is made.")
@click.option("--store", metavar="URL", help="Where the data will be.")
@click.option("--password-stdin", is_flag=True, help="Read the password of the administrator from stdin.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    show_default=True,
    help="Where; made if it is not there.",
)
def init(
    issuer: str | None,
    admin: str | None,
    root_key_file: Path | None,
    store: str | None,
    password_stdin: bool,
    folder: Path,
) -> None:
    """Write the settings file, and make the root key, the database and an administrator.

    What is there already stays as it is, so it may be given again. On a terminal it asks for what is not said.
    """
    asks = sys.stdin.isatty() and not password_stdin
    if asks and not (folder / FILE).exists():
        issuer = issuer or _asked_issuer()
    if asks and admin is None:
        admin = click.prompt("E-mail address of the first administrator (none: leave empty)", default="", err=True)
    password = ""
    if admin:
        password = password_of_stdin() if password_stdin else _asked_password(asks)
    elif password_stdin:
        raise click.UsageError("--password-stdin needs --admin")
    said = {"issuer": issuer, "root_key_file": root_key_file, "store": store}
    chosen = {name: value for name, value in said.items() if value is not None}
    founded = found_in(folder, chosen, admin or "", password)
    print(folder / FILE)
    sys.stdout.flush()
    _tell(founded, folder)


def _asked_issuer() -> str | None:
    said = str(click.prompt("URL under which everybody will know this server", default=_LOCAL, err=True))
    return None if said == _LOCAL else said


def _asked_password(asks: bool) -> str:
    if not asks:
        raise click.UsageError("--admin needs --password-stdin where nobody can be asked")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def _tell(founded: Founded, folder: Path) -> None:
    made = {
        "the settings file": founded.settings_file,
        "the root key": founded.root_key,
        "the database": founded.database,
    }
    for what, was_made in made.items():
        output.say(f"{'made' if was_made else 'kept'} {what}")
    if founded.administrator is not None:
        word = "made" if founded.made_administrator else "kept"
        output.say(f"{word} the administrator {founded.administrator.email}")
    here = "" if folder == Path() else f"cd {folder} && "
    output.say("next:")
    output.say(f"  {here}tallystick doctor --offline")
    output.say(f"  {here}tallystick serve        # then open {founded.issuer}")
    if founded.administrator is None:
        output.say(f"  {here}tallystick account create EMAIL --password-stdin --admin")
