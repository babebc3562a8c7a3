"""`tallystick verify`: says whether an access token is good, or why not."""

from __future__ import annotations

import sys

import click

from tallystick.cli import facts, output
from tallystick.cli.options import issuer_of, settings_of, with_json, with_store
from tallystick.stores.open import open_log
from tallystick.verifier import Verifier

TOKEN_BYTES_MAX = 16 * 1024


@click.command("verify")
@click.argument("token", metavar="TOKEN|-")
@click.option("--issuer", metavar="URL", help="Who must have issued it, if not the issuer of the store.")
@click.option("--audience", metavar="URL", help="Whom it must be meant for; the issuer itself by default.")
@with_json
@with_store
def verify(token: str, issuer: str | None, audience: str | None, as_json: bool, store: str | None) -> None:
    """Say whether an access token is good, or why not.

    It does what every verifier does: takes a lease on the revocation log, then checks locally. `-` reads stdin.
    """
    text = _of_stdin() if token == "-" else token
    settings = settings_of(store, issuer=issuer)
    trusted = issuer_of(settings)
    with Verifier(trusted, audience=audience or trusted, follow=open_log(settings.store)) as verifier:
        view = verifier.verify(text.strip())
    if as_json:
        output.emit(view.claims)
    else:
        output.show(facts.of_view(view), as_json=False)
    output.say("good")


def _of_stdin() -> str:
    raw = sys.stdin.buffer.read(TOKEN_BYTES_MAX + 2)
    return raw.decode("ascii", "replace")
