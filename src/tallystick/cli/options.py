"""What several commands take, and the way to the authority: the same settings as `serve`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pwd import getpwuid
from typing import Any, TypeVar

import click

from tallystick.authority.acting import acting_as
from tallystick.cli import output
from tallystick.embed import Authority
from tallystick.errors import NotFound
from tallystick.identity.account import Account
from tallystick.server.settings import Settings
from tallystick.server.wiring import default_issuer, open_authority, recorded_issuer

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])


def with_store(command: Command) -> Command:
    """Adds `--store`."""
    option = click.option("--store", metavar="URL", help="Where the data is, if not where the settings say.")
    return option(command)


def with_json(command: Command) -> Command:
    """Adds `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Write JSON.")(command)


def with_reason(command: Command) -> Command:
    """Adds `--because` and `--strength`: everywhere by default, since this is an administrator."""
    command = click.option(
        "--strength",
        type=click.Choice(["logged", "everywhere"]),
        default="everywhere",
        show_default=True,
        help="Return when it is in the log, or when no verifier accepts it any more.",
    )(command)
    return with_because(command)


def with_because(command: Command) -> Command:
    """Adds `--because`."""
    return click.option(
        "--because", metavar="TEXT", default="by an administrator", show_default=True, help="Why, for the audit trail."
    )(command)


def settings_of(store: str | None = None, **flags: object) -> Settings:
    """Gives the settings: defaults, then the file, then the environment, then these flags where given."""
    given = {name: value for name, value in {"store": store, **flags}.items() if value is not None}
    return Settings.load(**given)


def issuer_of(settings: Settings) -> str:
    """Gives the issuer of the settings, else the one that the server recorded in the store, else localhost."""
    return settings.issuer or asyncio.run(recorded_issuer(settings)) or default_issuer(settings)


@asynccontextmanager
async def opened(store: str | None) -> AsyncIterator[Authority]:
    """Opens the authority on the store that the settings or the flag name."""
    async with open_authority(settings_of(store)) as authority:
        yield authority


def with_authority(store: str | None, job: Callable[[Authority], Awaitable[T]], *, because: str = "") -> T:
    """Runs one job with the authority and gives what it gives; the audit trail has the operator and the reason."""

    async def run() -> T:
        async with opened(store) as authority:
            return await job(authority)

    with acting_as(actor=f"operator:{operator()}", because=because):
        return asyncio.run(run())


def operator() -> str:
    """Gives who runs this command, as the operating system has it: its name, or the number where it has none."""
    try:
        return getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


async def account_named(authority: Authority, email_or_id: str) -> Account:
    """Finds an account by e-mail address or id; raises NotFound."""
    account = await authority.find_account(email_or_id)
    if account is None:
        raise NotFound(f"no account {output.printable(email_or_id)}")
    return account
