"""What a process leaves for the others, as JSON: read strictly, and dropped where it does not fit what is declared now."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tallystick.verifier.metric import Kind, Labels, Metric, Readings, Timed, Value

FORMAT = 1


class Snapshot(NamedTuple):
    """What one process has counted.

    Args:
        written_at: the boot clock when it was written, seconds.
        readings: what it had counted then.
    """

    written_at: float
    readings: Readings


def written(snapshot: Snapshot) -> str:
    """Gives a snapshot as JSON."""
    series = {
        metric.name: [[list(labels), _plain(value)] for labels, value in found.items()]
        for metric, found in snapshot.readings.items()
    }
    return json.dumps({"format": FORMAT, "at": snapshot.written_at, "series": series}, separators=(",", ":"))


def read(text: str, metrics: Iterable[Metric]) -> Snapshot | None:
    """Reads a snapshot; None if it is none, or one of another format. Series that do not fit are left out.

    Args:
        text: what was written.
        metrics: what is declared now.
    """
    try:
        found = json.loads(text)
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            return None
        at, series = float(found["at"]), found["series"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if not isinstance(series, Mapping):
        return None
    return Snapshot(at, {metric: _series(metric, series.get(metric.name)) for metric in metrics})


def _plain(value: Value) -> Any:
    return [list(value.counts), value.total] if isinstance(value, Timed) else value


def _series(metric: Metric, rows: Any) -> dict[Labels, Value]:
    read_rows = (_row(metric, row) for row in rows) if isinstance(rows, list) else ()
    return {row[0]: row[1] for row in read_rows if row is not None}


def _row(metric: Metric, row: Any) -> tuple[Labels, Value] | None:
    match row:
        case [list(labels), [list(counts), int() | float() as total]] if metric.kind is Kind.HISTOGRAM:
            fits = len(counts) == len(metric.buckets) + 1 and all(type(count) is int for count in counts)
            value: Value = Timed(tuple(counts), total) if fits else 0
        case [list(labels), int() | float() as number] if metric.kind is not Kind.HISTOGRAM:
            fits, value = True, number
        case _:
            return None
    named = len(labels) == len(metric.labels) and all(isinstance(label, str) for label in labels)
    return (tuple(labels), value) if fits and named else None
