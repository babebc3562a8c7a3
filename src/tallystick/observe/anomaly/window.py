"""A sliding window of counts, in steps; and averages and shares that forget (EWMA)."""

from __future__ import annotations

from math import exp, log


class Window:
    """How much happened in the last seconds, to the step.

    Args:
        length_s: of the window; a whole number of steps.
        step_s: of its steps, seconds.
    """

    __slots__ = ("_counts", "_first", "_step_s", "_steps", "total")

    def __init__(self, length_s: int, step_s: int) -> None:
        self._steps, self._step_s = length_s // step_s, step_s
        self._counts = [0] * self._steps
        self._first = 0
        self.total = 0

    def advance(self, now: int) -> None:
        """Forgets what is older than the window; a clock that went back changes nothing."""
        step = now // self._step_s
        gone = min(step - self._first, self._steps)
        for at in range(step - gone + 1, step + 1):
            self.total -= self._counts[at % self._steps]
            self._counts[at % self._steps] = 0
        self._first = max(self._first, step)

    def add(self, now: int, count: int = 1) -> int:
        """Counts, and gives the total of the window."""
        self.advance(now)
        self._counts[self._first % self._steps] += count
        self.total += count
        return self.total


class Average:
    """An exponentially weighted mean and variance; an old value's weight halves with each half-life.

    Args:
        half_life_s: after which a value counts half.
        mean: what is taken for usual before anything was seen.
    """

    __slots__ = ("_half_life_s", "mean", "variance")

    def __init__(self, half_life_s: float, mean: float = 0.0) -> None:
        self._half_life_s = half_life_s
        self.mean, self.variance = mean, 0.0

    def feed(self, value: float, lasting_s: float) -> None:
        """Takes the value of a stretch of time."""
        weight = 1 - exp(-log(2) * lasting_s / self._half_life_s)
        off = value - self.mean
        self.mean += weight * off
        self.variance = (1 - weight) * (self.variance + weight * off * off)


class Ratio:
    """A share of two counts that both forget: an old count weighs half after each half-life.

    Args:
        half_life_s: after which a count weighs half.
        share: what is taken for usual before anything was seen.
        weight: how many counts that stands for; it is never forgotten, so that a quiet night says little.
    """

    __slots__ = ("_all", "_half_life_s", "_part", "_prior")

    def __init__(self, half_life_s: float, share: float, weight: float) -> None:
        self._half_life_s, self._prior = half_life_s, (share * weight, weight)
        self._part = self._all = 0.0

    @property
    def share(self) -> float:
        """What is usual."""
        return (self._part + self._prior[0]) / (self._all + self._prior[1])

    def feed(self, part: int, whole: int, lasting_s: float) -> None:
        """Takes the counts of a stretch of time."""
        kept = exp(-log(2) * lasting_s / self._half_life_s)
        self._part, self._all = self._part * kept + part, self._all * kept + whole
