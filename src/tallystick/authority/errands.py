"""Errands: what a request causes and its answer must not wait for.

Theory of operation. Whether an address has an account must not be told by how long an answer takes. Work that is equal in
both cases is never quite equal, so the answer is given before anything is looked up: the request is checked, counted, and
handed to this queue. It is done a random moment later, one errand after the other, so that it does not show in the time
of the next request either. What our own trouble kept from being done is tried again; what a crash loses, its owner can ask for
again: an errand sends mail, and nothing that was promised hangs on it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, NamedTuple

from tallystick.core.session.decision import Event
from tallystick.errors import Overloaded, TallystickError, Unavailable

if TYPE_CHECKING:
    from tallystick.authority.world import World

ERRANDS_MAX = 1000
SPREAD_S = 0.15
"""By up to how much the beginning of an errand is put off, seconds."""
PAUSES_S = (0.5, 2.0, 8.0, 30.0)
"""How long to wait before each further try, seconds."""
CLOSING_S = 5.0
_LOOK_S = 0.005


class _Errand(NamedTuple):
    name: str
    work: Callable[[], Awaitable[None]]
    context: Context


class Errands:
    """A bounded queue of work for later.

    Args:
        limit: how many may wait.
    """

    def __init__(self, limit: int = ERRANDS_MAX) -> None:
        self._limit = limit
        self._waiting: deque[_Errand] = deque()
        self._added = asyncio.Event()

    def __len__(self) -> int:
        """How many errands wait."""
        return len(self._waiting)

    def add(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Takes an errand; it runs in the context of whoever adds it.

        Args:
            name: for the events.
            work: what is to be done; may be begun again after Unavailable.

        Raises:
            Overloaded: too many wait; nothing was taken.
        """
        if len(self._waiting) >= self._limit:
            raise Overloaded("too many errands wait", retry_after_s=5)
        self._waiting.append(_Errand(name, work, copy_context()))
        self._added.set()

    async def done(self) -> None:
        """Waits until there is nothing left to do."""
        while self._waiting:  # noqa: ASYNC110  (an authority may be entered again in another loop, an Event not)
            await asyncio.sleep(_LOOK_S)

    async def run(self, world: World) -> None:
        """Does errands until it is cancelled."""
        # An authority may be entered again, in another loop.
        self._added = asyncio.Event()
        if self._waiting:
            self._added.set()
        while True:
            await self._added.wait()
            self._added.clear()
            await asyncio.sleep(world.entropy.bytes(1)[0] / 255 * SPREAD_S)
            while self._waiting:
                # It stays in the queue until it is done, so that the end of the process does not lose it.
                await self._do(world, self._waiting[0], PAUSES_S)
                self._waiting.popleft()

    async def close(self, world: World) -> None:
        """Does what is left, each once, within a few seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_S):
                while self._waiting:
                    await self._do(world, self._waiting.popleft(), ())
        self._waiting.clear()

    async def _do(self, world: World, errand: _Errand, pauses: tuple[float, ...]) -> None:
        for pause in (*pauses, None):
            try:
                await asyncio.create_task(_run(errand.work), context=errand.context)
            except Unavailable as error:
                if pause is None:
                    _tell(world, errand.name, error.code)
                else:
                    await asyncio.sleep(pause)
            except TallystickError as error:
                _tell(world, errand.name, error.code)
                return
            except Exception:  # noqa: BLE001  (one errand that fails must not keep the others from being done)
                _tell(world, errand.name, "internal")
                return
            else:
                return


async def _run(work: Callable[[], Awaitable[None]]) -> None:
    await work()


def _tell(world: World, name: str, code: str) -> None:
    world.events.tell((Event("job.failed", None, (("job", name), ("code", code))),))
