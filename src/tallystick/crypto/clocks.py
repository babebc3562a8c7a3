"""Clocks: the wall, which never goes backwards within a process, and the one that counts since boot."""

from __future__ import annotations

import sys
import time
from threading import Lock


class SystemClock:
    """The system's clocks."""

    __slots__ = ("_latest", "_lock")

    def __init__(self) -> None:
        self._latest = 0
        self._lock = Lock()

    def now(self) -> int:
        """Gives the wall clock, whole seconds since 1970; while the system's clock is set back, the latest instant given."""
        found = int(time.time())
        if found > self._latest:
            with self._lock:
                self._latest = max(self._latest, found)
        return self._latest

    def boot(self) -> float:
        """Gives seconds since boot, time asleep included."""
        return time.clock_gettime(_BOOT)


# macOS counts sleep in what it calls monotonic (man 3 clock_gettime); Linux has a clock of its own for that.
_BOOT = time.CLOCK_MONOTONIC if sys.platform == "darwin" else time.CLOCK_BOOTTIME
