"""What the parts of the store contract share: how a store is built, opened and closed around each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tallystick.ports import Store
from tallystick.testing.clock import FakeClock
from tallystick.testing.stage import Stage


class Contract:
    """A part of the contract; `site` is what an author of a store writes."""

    pytestmark = pytest.mark.anyio

    def site(self, folder: Path, clock: FakeClock) -> Callable[[], Store]:
        """Gives what builds stores on one new and empty state: each call another store, all on the same state.

        Args:
            folder: an empty folder.
            clock: what the stores read the time from.
        """
        raise NotImplementedError

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The store runs in asyncio."""
        return "asyncio"

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[Stage]:
        """A store that is open and empty."""
        clock = FakeClock()
        stage = Stage(self.site(tmp_path, clock), clock)
        await stage.begin()
        try:
            yield stage
        finally:
            await stage.end()
