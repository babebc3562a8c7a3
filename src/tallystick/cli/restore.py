"""`tallystick restore`: a backup takes the place of the store, and nothing that has ended comes back."""

from __future__ import annotations

import time
from pathlib import Path

import click

from tallystick.cli import output
from tallystick.cli.options import settings_of, with_json, with_store
from tallystick.server.wiring import check_root_key
from tallystick.stores.open import sqlite_path
from tallystick.stores.sql.restore import Restored, Wanted, issuer_in
from tallystick.stores.sql.restore import restore as put_back

LOG_BYTES_MAX = 1024**3


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--log", "log", type=click.Path(path_type=Path), metavar="FILE", help="The log since the backup, archived."
)
@with_json
@with_store
def restore(file: Path, log: Path | None, as_json: bool, store: str | None) -> None:
    """Put a backup in the place of the store, so that nothing ended comes back.

    Stop the server first. Without the log since the backup everybody signs in again.
    """
    settings = settings_of(store)
    database = sqlite_path(settings.store)
    wanted = Wanted(
        file=file,
        log=None if log is None else _lines(log),
        issuer=settings.issuer or issuer_in(database),
        check=check_root_key(settings),
        now=lambda: int(time.time()),
    )
    done = put_back(database, wanted)
    output.show(_facts(done), as_json=as_json)
    _tell(done)


def _lines(log: Path) -> list[str]:
    if log.stat().st_size > LOG_BYTES_MAX:
        raise click.UsageError(f"{log} is longer than an archive of the log can be")
    return log.read_text("utf-8", "replace").splitlines()


def _facts(done: Restored) -> dict[str, object]:
    return {
        "issuer": done.manifest.issuer,
        "made_at": done.manifest.made_at,
        "backup_head": done.manifest.head,
        "log_until": None if done.until is None else done.until.text(),
        "position": done.position.text(),
        "ended": done.ended,
        "review": list(done.review),
        "kept": None if done.kept is None else str(done.kept),
    }


def _tell(done: Restored) -> None:
    if done.until is None:
        output.say("restored: everybody signs in again")
    else:
        output.say(
            f"restored: what had ended up to {done.until.text()} has ended again; who is not concerned stays signed in"
        )
    for one in done.review:
        output.say(f"look at {one}: it was cut since the backup, and what was changed of it then is as it was before")
