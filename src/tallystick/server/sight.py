"""How a server is watched: wires counts, events, the page of all workers and the log of answers together."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from starlette.types import Scope

from tallystick.core.secret import Secret
from tallystick.core.session.decision import Event
from tallystick.crypto.clocks import SystemClock
from tallystick.crypto.hashing import HashingPool
from tallystick.crypto.plain_events import PlainEvents
from tallystick.embed import Authority
from tallystick.observe import catalogue as of
from tallystick.observe.alarm import Alarm
from tallystick.observe.asked import StoreReadings
from tallystick.observe.counts import Counts
from tallystick.observe.fan import Fan
from tallystick.observe.folder import Folder
from tallystick.observe.metered_store import metered
from tallystick.observe.metering import Metering
from tallystick.observe.page import Page
from tallystick.ports import Store
from tallystick.server.settings import Settings
from tallystick.verifier.metric import Readings
from tallystick.web.endpoints.metrics import Metrics
from tallystick.web.watching import Watching

_SQLITE = "sqlite:///"
_access = logging.getLogger("tallystick.access")


class Sight:
    """What one process of a server sees of itself.

    Args:
        settings: what the operator chose.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.counts = Counts(of.COUNTED)
        self.meter = Metering(self.counts)
        self.events = Fan([PlainEvents(), self.meter], self._lost)
        self._announce: Callable[[Sequence[Event]], None] = self.events.tell
        self.events.add(Alarm(SystemClock().now, lambda found: self._announce(found)))

    def store(self, store: Store) -> Store:
        """Gives a store whose operations are timed."""
        return metered(store, self.counts)

    def watch(self, authority: Authority) -> Watching:
        """Gives how the app of an authority is watched; what is unusual from now on is recorded in its audit trail too."""
        self._announce = authority.world.events.tell
        folder = Folder(run_folder(self._settings), of.CATALOGUE, authority.world.clock.boot)
        read = StoreReadings(
            authority.world.store, authority.world.clock, authority.policy, folder.note, version("tallystick")
        )
        page = Page(
            folder,
            authority.world.clock.boot,
            (self.counts.readings, lambda: _of_verifier(authority), lambda: _of_hashing(authority)),
            (read.build, read.keys, read.heads, read.verifiers),
        )
        token = self._settings.metrics_token
        secret = Secret(token.get_secret_value().strip()) if token is not None else None
        return Watching(Metrics(page.scrape, secret).show, _lifespan_of(authority, page), self._answered)

    def _answered(self, scope: Scope, request: str, status: int, seconds: float) -> None:
        self.counts.add(of.RESPONSES, f"{status // 100}xx")
        if self._settings.access_log:
            peer = scope.get("client")
            told = (scope["method"], scope["path"], status, seconds * 1000, peer[0] if peer else "local")
            _access.info("%s %s %d %.1f ms %s", *told, extra={"request": request})

    def _lost(self) -> None:
        self.counts.add(of.EVENTS_LOST)


def run_folder(settings: Settings) -> Path:
    """Gives where the workers of a host leave their counts: as set, else beside the database, else a private folder."""
    if settings.run_folder is not None:
        return settings.run_folder
    if settings.store.startswith(_SQLITE):
        database = Path(settings.store.removeprefix(_SQLITE))
        return database.with_name(f"{database.name}.run")
    return Path(tempfile.mkdtemp(prefix="tallystick-"))


def _lifespan_of(authority: Authority, page: Page) -> Callable[[Any], Any]:
    @asynccontextmanager
    async def lifespan(app: Any = None) -> AsyncIterator[Mapping[str, Any]]:
        async with authority.lifespan(app) as state:
            await page.open()
            try:
                yield state
            finally:
                await page.close()

    return lifespan


def _of_verifier(authority: Authority) -> Readings:
    return authority.verifier.readings() if authority.runs else {}


def _of_hashing(authority: Authority) -> Readings:
    pool = authority.world.hasher
    if not isinstance(pool, HashingPool):
        return {}
    return {
        of.HASHES_INSIDE: {(): pool.inside},
        of.HASHING_SLOTS: {(): pool.slots},
        of.HASHING_CAPACITY: {(): pool.capacity},
        of.HASHES_REFUSED: {(): pool.refused},
        of.HASH_WAIT: {(): pool.waits.read()},
        of.HASH_SECONDS: {(): pool.durations.read()},
    }
