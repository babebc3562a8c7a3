"""Compares servers by the CPU time that all their processes use per request, in interleaved rounds of the same run.

The load comes from processes of its own, which are not counted. What counts is the median of the rounds.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class Counted(Protocol):
    """Whose CPU time counts."""

    def cpu_ns(self) -> int:
        """Gives the CPU time used since the start, nanoseconds."""


class Sends(Protocol):
    """What makes work for it."""

    def send(self, requests: int) -> float:
        """Sends so many requests and waits for their answers; gives the seconds of the wall clock."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison.

    Args:
        server: whose CPU time counts.
        load: what is sent to it.
        requests: how many per round; enough for a second or so of CPU time, since it is read in ticks of 10 ms.
        warm_up: how many before the first round.
    """

    server: Counted
    load: Sends
    requests: int
    warm_up: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request cost.

    Args:
        cpu_ns: CPU time, the median of the rounds, nanoseconds.
        wall_ns: the wall clock from the first request of a round to its last answer, divided by its requests; the
            median of the rounds, nanoseconds. For the reader's sense of scale, never for a verdict.
    """

    cpu_ns: float
    wall_ns: float


def cost_per_request(sides: Mapping[str, Side], rounds: int) -> dict[str, Cost]:
    """Measures each side once per round, forwards and backwards in turn; gives the medians by name."""
    for side in sides.values():
        side.load.send(side.warm_up)
    cpu: dict[str, list[float]] = {name: [] for name in sides}
    wall: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds):
        for name in sides if turn % 2 == 0 else reversed(list(sides)):
            side = sides[name]
            before = side.server.cpu_ns()
            seconds = side.load.send(side.requests)
            cpu[name].append((side.server.cpu_ns() - before) / side.requests)
            wall[name].append(seconds * 1e9 / side.requests)
    return {name: Cost(statistics.median(cpu[name]), statistics.median(wall[name])) for name in sides}
