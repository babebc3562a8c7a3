"""`tallystick client`: apps and services."""

from __future__ import annotations

import click

from tallystick.authority.issued import Strength
from tallystick.cli import facts, output
from tallystick.cli.options import with_authority, with_because, with_json, with_reason, with_store
from tallystick.core.ids import ClientId
from tallystick.core.secret import Secret
from tallystick.embed import Authority
from tallystick.oauth.client import CLIENT_KINDS, Client, ClientKind


@click.group()
def client() -> None:
    """Apps and services."""


@client.command("create")
@click.argument("name")
@click.option("--kind", type=click.Choice(CLIENT_KINDS), required=True, help="What sort of program it is.")
@click.option("--first-party", is_flag=True, help="It is our own: no consent, and a native one may sign people in.")
@click.option("--redirect-uri", "redirect_uris", metavar="URI", multiple=True, help="Where an answer may go.")
@click.option(
    "--post-logout-redirect-uri", "post_logout", metavar="URI", multiple=True, help="Where a sign-out may lead."
)
@click.option("--audience", "audiences", metavar="URI", multiple=True, help="A service that its tokens may be for.")
@click.option("--scope", "scopes", metavar="SCOPE", multiple=True, help="What it may be granted.")
@with_because
@with_json
@with_store
def create(
    name: str,
    kind: ClientKind,
    first_party: bool,
    redirect_uris: tuple[str, ...],
    post_logout: tuple[str, ...],
    audiences: tuple[str, ...],
    scopes: tuple[str, ...],
    because: str,
    as_json: bool,
    store: str | None,
) -> None:
    """Create a client; prints its id and, this once, its secret."""

    async def job(authority: Authority) -> tuple[Client, Secret | None]:
        return await authority.create_client(
            name,
            kind=kind,
            first_party=first_party,
            redirect_uris=redirect_uris,
            post_logout_redirect_uris=post_logout,
            audiences=audiences,
            scopes=scopes,
        )

    created, secret = with_authority(store, job, because=because)
    known = facts.of_client(created) if as_json else {"client_id": str(created.id)}
    output.show(known if secret is None else {**known, "client_secret": secret.reveal()}, as_json=as_json)
    if secret is not None:
        output.say("keep the secret now: it is not stored and will not be shown again")


@client.command("list")
@click.option("--after", metavar="ID", default="", help="Begin after this one.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many.")
@with_json
@with_store
def show(after: str, limit: int, as_json: bool, store: str | None) -> None:
    """List clients, in order of id."""

    async def job(authority: Authority) -> list[facts.Facts]:
        return [facts.of_client(one) for one in await authority.clients(after, limit)]

    columns = ["client_id", "name", "kind", "first_party", "enabled", "scopes", "created_at"]
    output.show_list(with_authority(store, job), columns, as_json=as_json, none="there are no clients")


@client.command("disable")
@click.argument("client_id")
@with_reason
@with_json
@with_store
def disable(client_id: str, because: str, strength: Strength, as_json: bool, store: str | None) -> None:
    """Disable a client, and end every session of it."""
    wanted = ClientId.parse(client_id)
    if wanted is None:
        raise click.UsageError("that cannot be a client id")

    async def job(authority: Authority) -> facts.Facts:
        return facts.of_revoked(await authority.disable_client(wanted, because=because, strength=strength))

    output.show(with_authority(store, job), as_json=as_json)
