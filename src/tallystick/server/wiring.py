"""The only place that builds everything from settings: store, root key, authority, ASGI app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.types import ASGIApp

from tallystick.embed import Authority
from tallystick.observe.places import GeoPlaces
from tallystick.server.settings import Settings
from tallystick.stores.open import open_stores
from tallystick.web import standalone

_SQLITE = "sqlite:///"


def issuer_at(port: int) -> str:
    """Gives the issuer of a server that was told none: localhost, which is for development."""
    return f"http://localhost:{port}"


def build_authority(settings: Settings, issuer: str, *, claims_store: bool = True) -> Authority:
    """Builds the authority of an issuer; makes the folders of its files, and nothing else is opened.

    Args:
        settings: what the operator chose.
        issuer: under which URL.
        claims_store: records that URL in a store that belongs to no issuer yet.

    Raises:
        Misconfigured: issuer, store or root key cannot be used.
    """
    _make_folders(settings)
    return Authority(
        issuer,
        open_stores(settings.store),
        policy=settings.policy,
        root_key_file=settings.root_key_file,
        workers=settings.workers,
        pepper=settings.pepper_bytes,
        claims_store=claims_store,
        places=GeoPlaces(settings.geo_database) if settings.geo_database is not None else None,
    )


def build_app(settings: Settings, authority: Authority) -> ASGIApp:
    """Builds the ASGI app of an authority."""
    return standalone(authority, trusted_origins=settings.trusted_origins)


async def recorded_issuer(settings: Settings) -> str | None:
    """Gives the issuer that the store was first served under, or None."""
    _make_folders(settings)
    store = open_stores(settings.store)
    await store.open(settings.policy.staleness)
    try:
        return await store.setting("issuer")
    finally:
        await store.close()


@asynccontextmanager
async def open_authority(settings: Settings) -> AsyncIterator[Authority]:
    """Runs an authority on the same data as the server, for as long as the block lasts.

    Its issuer is the one of the settings, else the one that the server recorded in the store, else localhost. It
    records none: a command that comes before the first `serve` does not know on which port that will be.
    """
    issuer = settings.issuer or await recorded_issuer(settings) or issuer_at(settings.port)
    async with build_authority(settings, issuer, claims_store=False) as authority:
        yield authority


def _make_folders(settings: Settings) -> None:
    files = [settings.root_key_file]
    if settings.store.startswith(_SQLITE):
        files.append(Path(settings.store.removeprefix(_SQLITE)))
    for file in files:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
