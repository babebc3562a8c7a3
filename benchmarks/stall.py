"""Asks an event loop from inside how long a callback that is due has to wait.

A probe is due every millisecond. One that comes late also hides those that were due meanwhile, so each of them is counted
with the time that it would have waited: a stall of 20 ms gives twenty samples, from 20 ms down to 1 ms, not one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

INTERVAL_S = 0.001


class StallProbe:
    """Counts how late its callbacks are; to be run inside the loop of the server that is measured."""

    def __init__(self) -> None:
        self._late: list[float] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Probes until the block ends."""
        task = asyncio.create_task(self._probe())
        try:
            yield
        finally:
            task.cancel()

    async def _probe(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + INTERVAL_S
        while True:
            await asyncio.sleep(max(due - loop.time(), 0))
            late = max(loop.time() - due, 0.0)
            while late >= 0:
                self._late.append(late)
                late -= INTERVAL_S
                due += INTERVAL_S

    def take(self) -> list[float]:
        """Gives the seconds that each probe since the last call was late, and begins anew."""
        taken, self._late = self._late, []
        return taken


def percentile_ms(late: list[float], share: float) -> float:
    """Gives the lateness in milliseconds that this share of the probes (0 to 1) stayed under."""
    return sorted(late)[min(int(len(late) * share), len(late) - 1)] * 1000
