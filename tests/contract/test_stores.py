"""Our stores are held to the shipped contract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tallystick.ports import Store
from tallystick.stores.memory.state import State
from tallystick.stores.memory.store import MemoryStore
from tallystick.stores.sql.sqlite_store import SqliteStore
from tallystick.testing import FakeClock, StoreContract


class TestMemory(StoreContract):
    """The reference."""

    def site(self, folder: Path, clock: FakeClock) -> Callable[[], Store]:
        """Builds stores that share one state."""
        state = State()
        return lambda: MemoryStore(state, clock=clock.now, boot=clock.boot)


class TestSqlite(StoreContract):
    """The embedded default."""

    def site(self, folder: Path, clock: FakeClock) -> Callable[[], Store]:
        """Builds stores on one file."""
        return lambda: SqliteStore(folder / "tallystick.db", clock=clock.now, boot=clock.boot)
