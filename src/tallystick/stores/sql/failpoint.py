"""A place to stop a commit: before each of its statements, before COMMIT and after it.

Off, it costs one comparison per transaction. A test sets `hook`; a process that is to be killed is started with
`TALLYSTICK_TESTING=1` and `TALLYSTICK_FAILPOINT` as the number of the point (from 1), or as its name, or as `name:n`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import NoReturn

BEFORE_COMMIT, AFTER_COMMIT = "before COMMIT", "after COMMIT"

hook: Callable[[str], None] | None = None
"""Called with the name of each point of each durable commit; None where nobody tests."""


def die(_: str = "") -> NoReturn:
    """Kills this process at once, as a loss of power to it alone would."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable: SIGKILL cannot be survived")


def dies_at(wanted: str) -> Callable[[str], None]:
    """Gives a hook that kills the process at a point.

    Args:
        wanted: `n` for the n-th point of the process, `name` for the first of that name, `name:n` for its n-th.
    """
    name, _, number = wanted.rpartition(":") if ":" in wanted else ("", "", wanted)
    if not number.isdigit():
        name, number = wanted, "1"
    left = int(number)

    def count(point: str) -> None:
        nonlocal left
        if name in ("", point):
            left -= 1
            if left == 0:
                die()

    return count


if os.environ.get("TALLYSTICK_TESTING") == "1" and os.environ.get("TALLYSTICK_FAILPOINT"):
    hook = dies_at(os.environ["TALLYSTICK_FAILPOINT"])
