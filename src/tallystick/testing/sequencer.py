"""Exact races: steps of several tasks in the one order that a test names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Sequencer:
    """Lets named steps happen in one order, whoever comes first.

    Args:
        steps: the names, in order.
    """

    def __init__(self, *steps: str) -> None:
        self._steps = list(steps)
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[None]:
        """Waits until it is this step's turn; the next one may begin when the block is left, by an error too."""
        if name not in self._steps:
            raise ValueError(f"no step {name!r} is left")
        async with self._changed:
            await self._changed.wait_for(lambda: self._steps[0] == name)
        try:
            yield
        finally:
            async with self._changed:
                self._steps.pop(0)
                self._changed.notify_all()
