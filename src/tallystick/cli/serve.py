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
@click.option("--tls-cert", metavar="FILE", help="Serve https with this certificate and its chain (PEM).")
@click.option("--tls-key", metavar="FILE", help="The certificate's private key (PEM).")
@with_store
def serve(store: str | None, **flags: object) -> int:
    """Run the server."""
    return run_server(settings_of(store, **flags))
