"""`tallystick config`: what is set, and by whom."""

from __future__ import annotations

import click

from tallystick.cli import output
from tallystick.cli.options import with_json, with_store
from tallystick.server.explain import Explained, explain, suggestion, unknown_variables


@click.group()
def config() -> None:
    """What is set, and where that comes from."""


@config.command("explain")
@click.argument("name", required=False)
@with_json
@with_store
def explain_settings(name: str | None, as_json: bool, store: str | None) -> int:
    """Show each setting with its value and where that comes from; secrets are masked."""
    settings = explain({} if store is None else {"store": store})
    chosen = [one for one in settings if name is None or one.name == name or one.name.startswith(f"{name}.")]
    if not chosen:
        raise click.UsageError(suggestion(name or ""))
    output.show_list(
        [_facts(one) for one in chosen], ["name", "value", "origin"], as_json=as_json, none="there are no settings"
    )
    for variable, meant in unknown_variables():
        output.say(f"{variable} names no setting" + (f"; did you mean {meant}?" if meant else ""))
    return output.GOOD


def _facts(one: Explained) -> dict[str, object]:
    return {"name": one.name, "value": one.value, "origin": one.origin, "description": one.description}
