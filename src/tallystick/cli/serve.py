"""`tallystick serve`: runs the server."""

from __future__ import annotations

import click

from tallystick.cli.options import settings_of, with_store
from tallystick.server.run import serve as run_server


@click.command("serve")
@click.option("--host", metavar="ADDRESS", help="Where to listen.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on.")
@click.option("--workers", type=click.IntRange(1, 64), help="How many processes serve.")
@click.option("--issuer", metavar="URL", help="The URL under which everybody knows this server.")
@with_store
def serve(host: str | None, port: int | None, workers: int | None, issuer: str | None, store: str | None) -> int:
    """Run the server."""
    return run_server(settings_of(store, host=host, port=port, workers=workers, issuer=issuer))
