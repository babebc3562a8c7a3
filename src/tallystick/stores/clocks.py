"""The clocks of a store, where no others are given."""

from __future__ import annotations

import time


def wall() -> int:
    """Gives the wall clock, whole seconds."""
    return int(time.time())


def boot() -> float:
    """Gives the clock that counts since boot, suspend included, seconds."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
