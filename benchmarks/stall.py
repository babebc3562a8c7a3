"""Asks an event loop from inside how long a callback that is due has to wait.

A probe is due every millisecond. One that comes late also hides those that were due meanwhile, so each of them is counted
with the time that it would have waited: a stall of 20 ms gives twenty samples, from 20 ms down to 1 ms, not one.
"""

from __future__ import annotations

import asyncio

INTERVAL_S = 0.001


class StallProbe:
    """Counts how late its callbacks are; to be run inside the loop of the server that is measured.

    It costs some CPU time itself, so it runs only from `start` to `take`.
    """

    def __init__(self) -> None:
        self._late: list[float] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to probe the running loop."""
        self._late = []
        self._task = asyncio.create_task(self._probe())

    def take(self) -> list[float]:
        """Ends probing; gives the seconds that each probe since the start was late."""
        if self._task is not None:
            self._task.cancel()
        return self._late

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


def percentile_ms(late: list[float], share: float) -> float:
    """Gives the lateness in milliseconds that this share of the probes (0 to 1) stayed under."""
    return sorted(late)[min(int(len(late) * share), len(late) - 1)] * 1000
