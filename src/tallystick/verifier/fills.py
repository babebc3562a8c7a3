"""Looks cookies up: one read for all misses of a loop tick, one flight for each digest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future as ThreadFuture
from dataclasses import replace
from threading import Lock
from weakref import WeakKeyDictionary

from tallystick.core.credentials.cookie import csrf_token_of
from tallystick.core.credentials.view import CookieFill, SessionView
from tallystick.core.secret import Digest
from tallystick.core.verification.near_cache import NearCache, Nothing
from tallystick.errors import TallystickError, Unavailable

Resolve = Callable[[Sequence[Digest]], Awaitable[Sequence[CookieFill]]]
Found = SessionView | Nothing
AT_ONCE = 500
"""How many digests one read asks for at most."""
_log = logging.getLogger("tallystick.verifier")


class Fills:
    """Reads what cookies stand for and puts it into the near-cache.

    Args:
        near: the near-cache.
        boot: gives the boot clock, seconds.
        lifetime_s: gives T_nc of the log header.
        resolve: reads, in an event loop.
        resolve_blocking: reads, on the caller's thread; None if it cannot be done.
    """

    def __init__(
        self,
        near: NearCache,
        boot: Callable[[], float],
        lifetime_s: Callable[[], float],
        resolve: Resolve,
        resolve_blocking: Callable[[Sequence[Digest]], Sequence[CookieFill]] | None,
    ) -> None:
        self._near, self._boot, self._lifetime_s = near, boot, lifetime_s
        self._resolve, self._resolve_blocking = resolve, resolve_blocking
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Flights] = WeakKeyDictionary()
        self._threads: dict[Digest, ThreadFuture[Found]] = {}
        self._lock = Lock()
        self.reads = 0

    async def get(self, value: str, digest: Digest) -> Found:
        """Gives what a cookie stands for, from a read that this call or another of the same loop has on its way."""
        loop = asyncio.get_running_loop()
        flights = self._loops.get(loop)
        if flights is None:
            flights = self._loops[loop] = _Flights(self, loop)
        return await flights.get(value, digest)

    def get_blocking(self, value: str, digest: Digest) -> Found:
        """Gives what a cookie stands for; threads that ask for the same one share a read."""
        if self._resolve_blocking is None:
            raise Unavailable("cookies can only be looked up in an event loop here")
        with self._lock:
            flight = self._threads.get(digest)
            mine = flight is None
            if flight is None:
                flight = self._threads[digest] = ThreadFuture()
        if not mine:
            return flight.result()
        sent_at, era = self._boot(), self._near.era
        try:
            fills = self._resolve_blocking([digest])
            flight.set_result(self.landed({digest: value}, fills, sent_at, era)[0])
        except BaseException as error:  # noqa: BLE001  (whoever shares the read must hear of it; result() raises it here)
            flight.set_exception(error)
        finally:
            with self._lock:
                del self._threads[digest]
        return flight.result()

    async def read(self, values: dict[Digest, str]) -> list[Found]:
        """Reads what cookies stand for, digest → value, in one step."""
        sent_at, era = self._boot(), self._near.era
        return self.landed(values, await self._resolve(list(values)), sent_at, era)

    def landed(self, values: dict[Digest, str], fills: Sequence[CookieFill], sent_at: float, era: int) -> list[Found]:
        """Keeps what a read found and gives it, in the order of the digests."""
        self.reads += 1
        found: list[Found] = []
        for (digest, value), fill in zip(values.items(), fills, strict=True):
            if fill.view is None:
                found.append(Nothing(fill.because))
            else:
                fill = replace(fill, view=replace(fill.view, csrf=csrf_token_of(value)))
                assert fill.view is not None
                found.append(fill.view)
            self._near.fill(digest, fill, sent_at, self._lifetime_s(), era)
        return found


class _Flights:
    """What one event loop has on its way."""

    def __init__(self, fills: Fills, loop: asyncio.AbstractEventLoop) -> None:
        self._fills, self._loop = fills, loop
        self._waiting: dict[Digest, str] = {}
        self._flying: dict[Digest, asyncio.Future[Found]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, value: str, digest: Digest) -> Found:
        flight = self._flying.get(digest)
        if flight is None:
            flight = self._flying[digest] = self._loop.create_future()
            # Whoever asked may be gone when it fails.
            flight.add_done_callback(lambda done: done.cancelled() or done.exception())
            if not self._waiting:
                self._loop.call_soon(self._send)
            self._waiting[digest] = value
        return await asyncio.shield(flight)

    def _send(self) -> None:
        waiting, self._waiting = list(self._waiting.items()), {}
        for start in range(0, len(waiting), AT_ONCE):
            task = self._loop.create_task(self._read(dict(waiting[start : start + AT_ONCE])))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _read(self, values: dict[Digest, str]) -> None:
        flights = [self._flying[digest] for digest in values]
        try:
            found = await self._fills.read(values)
        except Exception as error:  # noqa: BLE001  (a resolver of somebody else's: whoever waits must hear of it)
            if not isinstance(error, TallystickError):
                _log.exception("looking cookies up failed")
                error = Unavailable("cookies could not be looked up")
            for flight in flights:
                flight.set_exception(error)
        except BaseException:
            for flight in flights:
                flight.cancel()
            raise
        else:
            for flight, one in zip(flights, found, strict=True):
                flight.set_result(one)
        finally:
            for digest in values:
                del self._flying[digest]
