"""The two clocks of a verifier: one that counts suspend, for leases, and the wall clock, for times in tokens."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

# macOS counts sleep in CLOCK_MONOTONIC when it is read by clock_gettime; Python's own monotonic() does not.
_BOOT = time.CLOCK_MONOTONIC if sys.platform == "darwin" else time.CLOCK_BOOTTIME


class Clocks(NamedTuple):
    """Where a verifier reads the time.

    Args:
        boot: gives seconds since boot, suspend included; never goes back.
        wall: gives seconds since 1970.
    """

    boot: Callable[[], float]
    wall: Callable[[], float]


SYSTEM = Clocks(partial(time.clock_gettime, _BOOT), time.time)
