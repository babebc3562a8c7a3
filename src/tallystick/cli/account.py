"""`tallystick account`: people, and what they may do."""

from __future__ import annotations

import sys

import click

from tallystick.authority.issued import Strength
from tallystick.cli import facts, output
from tallystick.cli.options import account_named, with_authority, with_because, with_json, with_reason, with_store
from tallystick.embed import Authority
from tallystick.identity.account import ADMIN_PERMISSION, Account

PASSWORD_BYTES_MAX = 4096


@click.group()
def account() -> None:
    """People, and what they may do."""


def password_of_stdin() -> str:
    """Reads a password from stdin: all of it, UTF-8, without the line end that `echo` adds."""
    raw = sys.stdin.buffer.read(PASSWORD_BYTES_MAX + 2)
    if len(raw) > PASSWORD_BYTES_MAX:
        raise click.UsageError(f"the password on stdin is longer than {PASSWORD_BYTES_MAX} bytes")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise click.UsageError("the password on stdin is not UTF-8") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise click.UsageError("there is no password on stdin")
    return text


@account.command("create")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, required=True, expose_value=False, help="Read the password from stdin.")
@click.option("--admin", is_flag=True, help="Make it an administrator of tallystick.")
@with_because
@with_json
@with_store
def create(email: str, admin: bool, because: str, as_json: bool, store: str | None) -> None:
    """Create an account; prints its id."""
    password = password_of_stdin()
    permissions = frozenset({ADMIN_PERMISSION} if admin else ())

    async def job(authority: Authority) -> Account:
        return await authority.create_account(email, password, permissions=permissions)

    created = with_authority(store, job, because=because)
    if as_json:
        output.emit(facts.of_account(created))
    else:
        print(created.id)
        output.say(f"created the account of {created.email}")


@account.command("list")
@click.option("--after", metavar="EMAIL", default="", help="Begin after this one.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many.")
@with_json
@with_store
def show(after: str, limit: int, as_json: bool, store: str | None) -> None:
    """List accounts, in order of e-mail address."""

    async def job(authority: Authority) -> list[facts.Facts]:
        return [facts.of_account(one) for one in await authority.accounts(after, limit)]

    columns = ["id", "email", "permissions", "enabled", "created_at"]
    output.show_list(with_authority(store, job), columns, as_json=as_json, none="there are no accounts")


@account.command("disable")
@click.argument("email_or_id")
@with_reason
@with_json
@with_store
def disable(email_or_id: str, because: str, strength: Strength, as_json: bool, store: str | None) -> None:
    """Disable an account, and end every session of it."""

    async def job(authority: Authority) -> facts.Facts:
        found = await account_named(authority, email_or_id)
        return facts.of_revoked(await authority.disable_account(found.id, because=because, strength=strength))

    output.show(with_authority(store, job), as_json=as_json)


@account.command("grant")
@click.argument("email_or_id")
@click.argument("permission", nargs=-1, required=True)
@with_because
@with_json
@with_store
def grant(email_or_id: str, permission: tuple[str, ...], because: str, as_json: bool, store: str | None) -> None:
    """Give an account permissions; it has them at its next request."""
    output.show(_changed(email_or_id, permission, store, because, give=True), as_json=as_json)


@account.command("withdraw")
@click.argument("email_or_id")
@click.argument("permission", nargs=-1, required=True)
@with_because
@with_json
@with_store
def withdraw(email_or_id: str, permission: tuple[str, ...], because: str, as_json: bool, store: str | None) -> None:
    """Take permissions from an account; its access tokens are outdated at once."""
    output.show(_changed(email_or_id, permission, store, because, give=False), as_json=as_json)


def _changed(
    email_or_id: str, permissions: tuple[str, ...], store: str | None, because: str, *, give: bool
) -> facts.Facts:
    async def job(authority: Authority) -> facts.Facts:
        found = await account_named(authority, email_or_id)
        change = authority.grant if give else authority.withdraw
        for permission in permissions:
            found = await change(found.id, permission, because=because)
        return facts.of_account(found)

    return with_authority(store, job)
