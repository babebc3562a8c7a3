"""Compares servers by the CPU time that all their processes use per request, in interleaved rounds of the same run.

The load comes from processes of its own, which are not counted. What counts is the median of the rounds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

ROUNDS_MIN = 3
BUDGET_S = 35.0


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
        rounds: CPU time in each round, nanoseconds.
    """

    rounds: tuple[float, ...]

    @property
    def cpu_ns(self) -> float:
        """The median of the rounds, nanoseconds."""
        return statistics.median(self.rounds)

    def over(self, other: Cost) -> float:
        """Gives how many times as much this cost as another: the median of the ratios of the rounds.

        What else goes on on the machine changes within seconds, and hits both sides of one round.
        """
        return statistics.median(mine / theirs for mine, theirs in zip(self.rounds, other.rounds, strict=True))


def cost_per_request(sides: Mapping[str, Side], rounds: int) -> dict[str, Cost]:
    """Measures each side once per round, forwards and backwards in turn; gives what a request cost, by name.

    On a machine that others keep busy, the rounds end after BUDGET_S seconds; three there are in any case.
    """
    for side in sides.values():
        side.load.send(side.warm_up)
    cpu: dict[str, list[float]] = {name: [] for name in sides}
    until = time.monotonic() + BUDGET_S
    for turn in range(rounds):
        if turn >= ROUNDS_MIN and time.monotonic() > until:
            break
        for name in sides if turn % 2 == 0 else reversed(list(sides)):
            side = sides[name]
            before = side.server.cpu_ns()
            side.load.send(side.requests)
            cpu[name].append((side.server.cpu_ns() - before) / side.requests)
    return {name: Cost(tuple(cpu[name])) for name in sides}
