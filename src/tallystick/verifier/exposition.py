"""Writes readings as Prometheus reads them: text format 0.0.4, one family after the other. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from math import inf, isinf, isnan

from tallystick.verifier.metric import Kind, Labels, Metric, Readings, Series, Timed

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def page(readings: Readings) -> str:
    """Gives the page of some readings, in their order; each family with its help and type, series in order of labels."""
    return "".join(f"{line}\n" for metric, series in readings.items() for line in _family(metric, series))


def _family(metric: Metric, series: Series) -> Iterator[str]:
    yield f"# HELP {metric.name} {_escaped_help(metric.help)}"
    yield f"# TYPE {metric.name} {metric.kind}"
    names = tuple(label.name for label in metric.labels)
    for labels in sorted(series):
        value = series[labels]
        if isinstance(value, Timed):
            yield from _histogram(metric, names, labels, value)
        else:
            yield f"{metric.name}{_braces(names, labels)} {number(value)}"


def _histogram(metric: Metric, names: tuple[str, ...], labels: Labels, value: Timed) -> Iterator[str]:
    assert metric.kind is Kind.HISTOGRAM
    sums = list(accumulate(value.counts))
    for bound, below in zip((*metric.buckets, inf), sums, strict=True):
        yield f"{metric.name}_bucket{_braces((*names, 'le'), (*labels, number(bound)))} {below}"
    yield f"{metric.name}_sum{_braces(names, labels)} {number(value.total)}"
    yield f"{metric.name}_count{_braces(names, labels)} {sums[-1]}"


def _braces(names: tuple[str, ...], values: Labels) -> str:
    if not names:
        return ""
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))
    return "{" + inside + "}"


def number(value: float) -> str:
    """Gives a number as Prometheus reads it."""
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _escaped_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
