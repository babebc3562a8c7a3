"""What a metric is, declared as data; and the plain integers that a duration is counted in. Standard library only."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

Labels = tuple[str, ...]
"""The values of a metric's labels, in the order in which it declares them."""
OTHER = "other"
"""What stands for a value outside of a closed set, and for everything beyond the bound of an open one."""


class Kind(StrEnum):
    """What a number means (Prometheus text format 0.0.4)."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Over(StrEnum):
    """How the processes of one host combine into the one page that any of them answers with."""

    SUM = "sum"
    """Added up; of a counter also what the processes counted that have ended."""
    MAX = "max"
    """The largest of the living."""
    EACH = "each"
    """Every living process has label values of its own, so nothing is added."""
    ASKED = "asked"
    """The same wherever it is read, so whoever is asked reads it at that moment."""


@dataclass(frozen=True, slots=True)
class Label:
    """One label.

    Args:
        name: of the label.
        values: the closed set that a value comes from, `other` included where it may be; empty if the set is open (and
            then `most` bounds it).
        most: how many values an open set may have before the rest becomes `other`.
    """

    name: str
    values: tuple[str, ...] = ()
    most: int = 50


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Args:
        name: `tallystick_<noun>_<unit>`, a counter's with `_total` at the end.
        kind: counter, gauge or histogram.
        help: one sentence.
        labels: what tells its series apart; none of them may ever name a person or a session.
        buckets: upper bounds of a histogram, in the unit of the name, ascending, without infinity.
        over: how processes combine.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    over: Over = Over.SUM


class Timed(NamedTuple):
    """A histogram's value at one moment.

    Args:
        counts: how many fell into each bucket and, last, beyond them all; not cumulative.
        total: the sum of what was observed.
    """

    counts: tuple[int, ...]
    total: float


Value = float | Timed
Series = Mapping[Labels, Value]
Readings = Mapping[Metric, Series]
"""What was read at one moment: metric → label values → value."""


class Timing:
    """Durations, counted in plain integers; no lock: an observation is a few steps on a list.

    Args:
        bounds: upper bounds, ascending.
    """

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Counts one observation; a clock that was set back counts as nothing."""
        value = max(value, 0.0)
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def read(self) -> Timed:
        """Gives what was counted so far."""
        return Timed(tuple(self.counts), self.total)
