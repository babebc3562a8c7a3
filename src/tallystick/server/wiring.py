"""The only place that builds everything from settings: store, root key, authority, ASGI app."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.types import ASGIApp

from tallystick.core.keys.lifecycle import SigningKey
from tallystick.crypto.root_key import RootKey
from tallystick.crypto.sealer import RootSealer
from tallystick.crypto.signer import KeySigner
from tallystick.embed import Authority
from tallystick.observe.places import GeoPlaces
from tallystick.proxies import Proxies
from tallystick.server.settings import Settings
from tallystick.server.sight import Sight
from tallystick.stores.open import open_stores, sqlite_path
from tallystick.web import standalone
from tallystick.web.watching import Watching

_SQLITE = "sqlite:///"


def issuer_at(port: int, *, tls: bool = False) -> str:
    """Gives the issuer of a server that was told none: localhost, which is for development; https where it serves TLS."""
    return f"{'https' if tls else 'http'}://localhost:{port}"


def default_issuer(settings: Settings, port: int | None = None) -> str:
    """Gives the issuer of the settings, else localhost under a port, by default that of the settings."""
    return settings.issuer or issuer_at(settings.port if port is None else port, tls=settings.tls_cert is not None)


def sqlite_file(store: str) -> Path | None:
    """Gives the file of a SQLite store by its URL; None for another store."""
    return sqlite_path(store) if store.startswith(_SQLITE) else None


def build_authority(
    settings: Settings, issuer: str, *, claims_store: bool = True, sight: Sight | None = None
) -> Authority:
    """Builds the authority of an issuer; makes the folders of its files, and nothing else is opened.

    Args:
        settings: what the operator chose.
        issuer: under which URL.
        claims_store: records that URL in a store that belongs to no issuer yet.
        sight: what sees its events and measurements; a command has none, and its events go to the log.

    Raises:
        Misconfigured: issuer, store or root key cannot be used.
    """
    _make_folders(settings)
    store = open_stores(settings.store)
    return Authority(
        issuer,
        store if sight is None else sight.store(store),
        policy=settings.policy,
        root_key_file=settings.root_key_file,
        workers=settings.workers,
        pepper=settings.pepper_bytes,
        mailer=settings.mail.smtp() if settings.mail is not None else None,
        claims_store=claims_store,
        events=sight.events if sight is not None else None,
        meter=sight.meter if sight is not None else None,
        places=GeoPlaces(settings.geo_database) if settings.geo_database is not None else None,
    )


def build_app(settings: Settings, authority: Authority, watching: Watching | None = None) -> ASGIApp:
    """Builds the ASGI app of an authority, and how it is watched."""
    return standalone(
        authority,
        trusted_origins=settings.trusted_origins,
        proxies=Proxies(settings.trusted_proxies, settings.proxy_headers),
        templates=settings.templates,
        watching=watching,
    )


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
    issuer = settings.issuer or await recorded_issuer(settings) or default_issuer(settings)
    async with build_authority(settings, issuer, claims_store=False) as authority:
        yield authority


def check_root_key(settings: Settings) -> Callable[[Sequence[SigningKey]], None]:
    """Gives what raises Misconfigured where the root key is missing or does not open some signing keys."""

    def check(keys: Sequence[SigningKey]) -> None:
        KeySigner(RootSealer(RootKey.load(settings.root_key_file))).load(keys)

    return check


def _make_folders(settings: Settings) -> None:
    files = [settings.root_key_file]
    database = sqlite_file(settings.store)
    if database is not None:
        files.append(database)
    for file in files:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
