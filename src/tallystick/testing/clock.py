"""A clock that moves when a test says so."""

from __future__ import annotations

START = 1_800_000_000


class FakeClock:
    """A `Clock`: a wall clock and a boot clock that stand still until they are moved.

    Args:
        at: the instant at which the wall clock begins, whole seconds.
    """

    def __init__(self, at: int = START) -> None:
        self._wall, self._boot = at, 1000.0

    def now(self) -> int:
        """Gives the wall clock."""
        return self._wall

    def boot(self) -> float:
        """Gives the boot clock."""
        return self._boot

    def pass_time(self, seconds: float) -> None:
        """Moves both clocks on."""
        self._boot += seconds
        self._wall += int(seconds)
