"""How often something happens: a flood is many times the usual, and many in absolute numbers.

Theory of operation. The usual count of five minutes is an EWMA, and so is its variance. It is too much when the count is
beyond all of three limits: a smallest number below which nothing matters, a multiple of the usual, and the usual plus
eight deviations (of what was seen, at least those of a Poisson process).
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

from tallystick.observe.anomaly.evidence import Evidence
from tallystick.observe.anomaly.window import Average, Window

WINDOW_S, STEP_S = 300, 15
DEVIATIONS = 8.0


class Limits(NamedTuple):
    """What is too much of a series.

    Args:
        series: its name.
        what: what is counted, in the plural.
        least: fewer within five minutes are never too much.
        factor: how many times the usual is too much.
        half_life_s: of what is usual, seconds.
    """

    series: str
    what: str
    least: int
    factor: float
    half_life_s: float


SIGN_INS = Limits("sign_ins", "sign-ins", 2000, 25.0, 1800.0)
THROTTLED = Limits("throttled", "attempts that had to wait", 60, 5.0, 6 * 3600.0)
REUSE = Limits("reuse", "refresh tokens that came back after they were traded", 10, 5.0, 24 * 3600.0)


class Volume:
    """One series.

    Args:
        limits: what is too much of it.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._window = Window(WINDOW_S, STEP_S)
        self._usual = Average(limits.half_life_s)
        self._stretch = -1
        self._counted = 0

    def take(self, now: int, *, learns: bool = True) -> Evidence:
        """Counts one; gives what stands against what: it is an anomaly if `observed` is beyond `threshold`."""
        stretch = now // WINDOW_S
        if stretch > self._stretch:
            if self._stretch >= 0 and learns:
                self._usual.feed(self._counted, WINDOW_S)
                self._usual.feed(0.0, min(stretch - self._stretch - 1, 10_000) * WINDOW_S)
            self._stretch, self._counted = stretch, 0
        self._counted += 1
        return self._judge(self._window.add(now))

    def _judge(self, seen: int) -> Evidence:
        usual, limits = self._usual.mean, self._limits
        beyond = usual + DEVIATIONS * sqrt(max(self._usual.variance, usual, 1.0))
        limit = max(float(limits.least), limits.factor * usual, beyond)
        return Evidence(
            limits.series,
            "all",
            usual,
            seen,
            limit,
            WINDOW_S,
            f"{seen} {limits.what} within {WINDOW_S // 60} minutes; {usual:.0f} would be usual, and {limit:.0f} is too much.",
        )
