"""Measures callables against each other: interleaved in rounds, so that a noisy moment hits all of them alike.

Every round calls each candidate `inner` times, in an order that differs from round to round; what counts is the median
of the rounds. Budgets are ratios of two medians of the same run, never absolute times.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One budget and what was measured.

    Args:
        what: the budget.
        measured: the ratio.
        must: the ratio that may not be passed.
        aim: the ratio we strive for.
        others: peers of the same rounds, name → their ratio to the same base.
        at_least: True where a bigger ratio is better.
        base_ns: the median of the base, nanoseconds, for the reader's sense of scale.
    """

    what: str
    measured: float
    must: float
    aim: float
    others: Mapping[str, float]
    at_least: bool = False
    base_ns: float | None = None

    @property
    def holds(self) -> bool:
        """Tells whether the must is kept."""
        return self.measured >= self.must if self.at_least else self.measured <= self.must

    @property
    def aimed(self) -> bool:
        """Tells whether the aim is reached."""
        return self.measured >= self.aim if self.at_least else self.measured <= self.aim


def measure_interleaved(
    candidates: Mapping[str, Callable[[], object]],
    rounds: int = 31,
    inner: int | Mapping[str, int] = 100,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> dict[str, float]:
    """Measures candidates in interleaved rounds.

    Args:
        candidates: name → callable of no arguments; each call is one operation.
        rounds: how many rounds (the median is taken over them).
        inner: calls per candidate and round; a mapping gives each its own number.
        clock: nanoseconds; `time.process_time_ns` where CPU time is compared.

    Returns:
        name → median nanoseconds per call.
    """
    calls = {name: inner if isinstance(inner, int) else inner[name] for name in candidates}
    samples: dict[str, list[float]] = {name: [] for name in candidates}
    order = list(candidates)
    shuffle = random.Random(1).shuffle
    for call in candidates.values():
        call()
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            shuffle(order)
            for name in order:
                samples[name].append(_time(candidates[name], calls[name], clock))
            gc.collect()
    finally:
        if collecting:
            gc.enable()
    return {name: statistics.median(samples[name]) for name in candidates}


def _time(call: Callable[[], object], times: int, clock: Callable[[], int]) -> float:
    counted = range(times)
    begun = clock()
    for _ in counted:
        call()
    return (clock() - begun) / times


def cycling(call: Callable[[str], object], arguments: Sequence[str]) -> Callable[[], object]:
    """Makes a callable of no arguments that passes the next of many arguments at each call, round and round."""
    left = iter(())

    def step() -> object:
        nonlocal left
        for argument in left:
            return call(argument)
        left = iter(arguments)
        return call(next(left))

    return step


def table(rows: Iterable[Row]) -> str:
    """Gives rows as a text table for people."""
    head = ("what", "measured", "must", "aim", "", "others", "base")
    body = [
        (
            row.what,
            f"{row.measured:.3g}",
            f"{'≥' if row.at_least else '≤'} {row.must:g}",
            f"{row.aim:g}",
            "aim reached" if row.aimed else "holds" if row.holds else "MISSED",
            " · ".join(f"{name} {ratio:.3g}" for name, ratio in row.others.items()) or "–",
            _scale(row.base_ns),
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in (head, *body)) for column in range(len(head))]
    padded = ([cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in (head, *body))
    lines = ["  ".join(cells).rstrip() for cells in padded]
    lines.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(lines)


def _scale(nanoseconds: float | None) -> str:
    if nanoseconds is None:
        return "–"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.0f} ns"
