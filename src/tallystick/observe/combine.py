"""Combines what the processes of a host have counted: sums that never go backwards, gauges of the living. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tallystick.observe.counts import admitted
from tallystick.verifier.metric import Kind, Labels, Metric, Over, Readings, Series, Timed, Value


def combined(living: Iterable[Readings], ended: Readings, order: Iterable[Metric]) -> dict[Metric, Series]:
    """Gives one set of readings for all processes.

    Args:
        living: of each process that lives.
        ended: the counters and histograms of those that have ended, added up (see `buried`).
        order: which metrics, in which order; one that nobody has read has no series.
    """
    processes = tuple(living)
    return {metric: _of(metric, processes, ended) for metric in order}


def _of(metric: Metric, living: tuple[Readings, ...], ended: Readings) -> Series:
    given = [one.get(metric, {}) for one in living]
    if metric.over is Over.MAX:
        return _folded(metric, given, largest=True)
    return _folded(metric, [*given, ended.get(metric, {})] if outlives(metric) else given)


def outlives(metric: Metric) -> bool:
    """Tells whether what an ended process counted still counts: of sums, but gauges are of the living only."""
    return metric.over is Over.SUM and metric.kind is not Kind.GAUGE


def buried(ended: Readings, process: Readings) -> dict[Metric, Series]:
    """Adds what a process counted that has ended to what those before it counted."""
    metrics = [metric for metric in {**ended, **process} if outlives(metric)]
    return {metric: _folded(metric, [ended.get(metric, {}), process.get(metric, {})]) for metric in metrics}


def _folded(metric: Metric, given: Iterable[Series], *, largest: bool = False) -> Series:
    folded: dict[Labels, Value] = {}
    for series in given:
        for labels, value in series.items():
            key = labels if labels in folded else admitted(metric, labels, folded)
            before = folded.get(key)
            folded[key] = value if before is None else _joined(before, value, largest=largest)
    return folded


def _joined(one: Value, other: Value, *, largest: bool) -> Value:
    if isinstance(one, Timed) and isinstance(other, Timed):
        return Timed(tuple(a + b for a, b in zip(one.counts, other.counts, strict=True)), one.total + other.total)
    assert not isinstance(one, Timed)
    assert not isinstance(other, Timed)
    return max(one, other) if largest else one + other
