"""`tallystick principal`: whoever is authenticated, a person or a service."""

from __future__ import annotations

import click

from tallystick.authority.issued import Strength
from tallystick.cli import facts, output
from tallystick.cli.options import with_authority, with_json, with_reason, with_store
from tallystick.core.ids import ClientId, PrincipalId
from tallystick.embed import Authority
from tallystick.errors import NotFound


@click.group()
def principal() -> None:
    """Whoever is authenticated: a person or a service."""


@principal.command("revoke")
@click.argument("email_or_id", metavar="EMAIL-OR-ID")
@with_reason
@with_json
@with_store
def revoke(email_or_id: str, because: str, strength: Strength, as_json: bool, store: str | None) -> None:
    """End every session that somebody has up to now; prints the position in the log and who confirmed it."""

    async def job(authority: Authority) -> facts.Facts:
        target = await _principal(authority, email_or_id)
        return facts.of_revoked(await authority.revoke(target, because=because, strength=strength))

    output.show(with_authority(store, job), as_json=as_json)


async def _principal(authority: Authority, email_or_id: str) -> PrincipalId:
    account = await authority.find_account(email_or_id)
    if account is not None:
        return account.id
    client_id = ClientId.parse(email_or_id)
    client = None if client_id is None else await authority.find_client(client_id)
    if client is None:
        raise NotFound(f"no account and no service {output.printable(email_or_id)}")
    return client.principal
