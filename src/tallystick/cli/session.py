"""`tallystick session`: who is signed in where, and the end of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import click

from tallystick.authority.issued import Strength
from tallystick.cli import facts, output
from tallystick.cli.options import account_named, with_authority, with_json, with_reason, with_store
from tallystick.core.ids import PrincipalId, SessionId
from tallystick.embed import Authority

PAGE = 500


@click.group()
def session() -> None:
    """Who is signed in where."""


@session.command("list")
@click.option("--principal", metavar="EMAIL-OR-ID", help="Only the sessions of this one.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="At most so many.")
@with_json
@with_store
def show(principal: str | None, limit: int, as_json: bool, store: str | None) -> None:
    """List live sessions."""

    async def job(authority: Authority) -> list[facts.Facts]:
        found: list[facts.Facts] = []
        async for who, name in _principals(authority, principal):
            found += [facts.of_session(one, name) for one in await authority.sessions_of(who)]
            if len(found) > limit:
                output.say(f"there are more than {limit}: narrow it with --principal, or raise --limit")
                break
        return found[:limit]

    columns = ["id", "who", "holder", "label", "opened_at", "active_at", "expires_at"]
    output.show_list(with_authority(store, job), columns, as_json=as_json, none="nobody is signed in")


async def _principals(authority: Authority, wanted: str | None) -> AsyncIterator[tuple[PrincipalId, str]]:
    if wanted is not None:
        known = await account_named(authority, wanted)
        yield known.id, known.email
        return
    after = ""
    while accounts := await authority.accounts(after, PAGE):
        for account in accounts:
            yield account.id, account.email
        after = accounts[-1].identifier
    after = ""
    while clients := await authority.clients(after, PAGE):
        for client in clients:
            if client.kind == "service":
                yield client.principal, client.name
        after = clients[-1].id


@session.command("revoke")
@click.argument("session_id", metavar="ID")
@with_reason
@with_json
@with_store
def revoke(session_id: str, because: str, strength: Strength, as_json: bool, store: str | None) -> None:
    """End a session, and what was opened from it; prints its position in the log and who confirmed it."""
    target = SessionId.parse(session_id)
    if target is None:
        raise click.UsageError("that cannot be a session id: see 'tallystick session list'")

    async def job(authority: Authority) -> facts.Facts:
        return facts.of_revoked(await authority.revoke(target, because=because, strength=strength))

    output.show(with_authority(store, job), as_json=as_json)
