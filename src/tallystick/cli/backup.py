"""`tallystick backup`: one file, made while the store is served."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import click

from tallystick.cli import output
from tallystick.cli.options import settings_of, with_json, with_store
from tallystick.stores.open import sqlite_path
from tallystick.stores.sql.backup import back_up


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@with_json
@with_store
def backup(file: Path, as_json: bool, store: str | None) -> None:
    """Copy the store into one file, while it is served.

    The root key is not in it: keep that apart.
    """
    settings = settings_of(store)
    made = back_up(sqlite_path(settings.store), file, int(time.time()))
    facts = {name: value for name, value in asdict(made).items() if name not in ("schema", "root_key", "format")}
    output.show({"file": str(file), **facts, "schema": [name for _, name, _ in made.schema]}, as_json=as_json)
    output.say(f"the root key is not in it: keep {settings.root_key_file} apart, or it cannot be served")
