"""Counts of one process, in plain integers: raised where something happens, read at a scrape."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from tallystick.verifier.metric import OTHER, Kind, Labels, Metric, Readings, Timing, Value

PREPARED_MAX = 200
"""A metric with closed sets of label values begins with all of its series at 0, if there are no more than this."""


class Counts:
    """What one process has counted since its start.

    Args:
        metrics: what is counted; gauges are set.
    """

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._values: dict[Metric, dict[Labels, float]] = {}
        self._timings: dict[Metric, dict[Labels, Timing]] = {}
        for metric in metrics:
            self._values[metric], self._timings[metric] = {}, {}
            for labels in prepared(metric):
                if metric.kind is Kind.HISTOGRAM:
                    self._timings[metric][labels] = Timing(metric.buckets)
                else:
                    self._values[metric][labels] = 0

    def add(self, metric: Metric, *labels: str, by: float = 1) -> None:
        """Raises a counter; a label value that is not declared counts as `other`."""
        series = self._values[metric]
        known = labels if labels in series else admitted(metric, labels, series)
        series[known] = series.get(known, 0) + by

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Sets a gauge."""
        series = self._values[metric]
        series[labels if labels in series else admitted(metric, labels, series)] = value

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Counts one observation of a histogram."""
        series = self._timings[metric]
        timing = series.get(labels)
        if timing is None:
            known = admitted(metric, labels, series)
            timing = series.setdefault(known, Timing(metric.buckets))
        timing.add(value)

    def readings(self) -> Readings:
        """Gives everything as it is now."""
        read: dict[Metric, dict[Labels, Value]] = {}
        for metric, series in self._values.items():
            read[metric] = dict(series) if metric.kind is not Kind.HISTOGRAM else self._timed(metric)
        return read

    def _timed(self, metric: Metric) -> dict[Labels, Value]:
        return {labels: timing.read() for labels, timing in tuple(self._timings[metric].items())}


def prepared(metric: Metric) -> Iterable[Labels]:
    """Gives the series that a metric begins with: all of them, if its label values are closed sets and they are few."""
    sets = [label.values for label in metric.labels]
    count = 1
    for values in sets:
        count *= len(values)
    return product(*sets) if 0 < count <= PREPARED_MAX else ()


def admitted(metric: Metric, labels: Labels, series: Iterable[Labels]) -> Labels:
    """Gives labels as they may be counted: what is not in a closed set, and what goes beyond an open one, is `other`.

    Args:
        metric: whose.
        labels: one value for each label.
        series: the labels that are there already.
    """
    there = list(series)
    chosen = []
    for at, (label, value) in enumerate(zip(metric.labels, labels, strict=True)):
        if label.values:
            chosen.append(value if value in label.values else OTHER)
        else:
            seen = {one[at] for one in there}
            chosen.append(value if value in seen or len(seen) < label.most else OTHER)
    return tuple(chosen)
