"""`tallystick keys`: the keys that sign access tokens."""

from __future__ import annotations

import click

from tallystick.authority.issued import Strength
from tallystick.cli import facts, output
from tallystick.cli.options import with_authority, with_because, with_json, with_reason, with_store
from tallystick.core.ids import KeyId
from tallystick.embed import Authority

COLUMNS = ["kid", "algorithm", "state", "announced_at", "active_at", "retiring_at"]


@click.group()
def keys() -> None:
    """Signing keys."""


@keys.command("list")
@with_json
@with_store
def show(as_json: bool, store: str | None) -> None:
    """List signing keys and what each is doing."""

    async def job(authority: Authority) -> list[facts.Facts]:
        return [facts.of_key(key) for key in await authority.keys()]

    output.show_list(with_authority(store, job), COLUMNS, as_json=as_json, none="there are no keys yet")


@keys.command("rotate")
@with_because
@with_json
@with_store
def rotate(because: str, as_json: bool, store: str | None) -> None:
    """Announce a new key; it signs once every verifier can know it, and no token breaks."""

    async def job(authority: Authority) -> facts.Facts:
        return facts.of_key(await authority.rotate_keys(because=because))

    output.show(with_authority(store, job), as_json=as_json)


@keys.command("revoke")
@click.argument("kid")
@with_reason
@with_json
@with_store
def revoke(kid: str, because: str, strength: Strength, as_json: bool, store: str | None) -> None:
    """Revoke a key that was lost: every token that it signed falls at once."""
    target = KeyId.parse(kid)
    if target is None:
        raise click.UsageError("that cannot be the name of a key: see 'tallystick keys list'")

    async def job(authority: Authority) -> facts.Facts:
        return facts.of_revoked(await authority.revoke_key(target, because=because, strength=strength))

    output.show(with_authority(store, job), as_json=as_json)
