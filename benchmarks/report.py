"""Prints what was measured as one table."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.harness import Row

_HEAD = ("what", "ours", "peer", "ratio", "must", "aim", "holds?", "beside it")
_UNITS = (("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1.0))


def table(rows: Iterable[Row]) -> str:
    """Gives rows as a text table: ours and the peer as time per operation, then the ratio that the budget is about."""
    body = [_cells(row) for row in rows]
    widths = [max(len(line[column]) for line in (_HEAD, *body)) for column in range(len(_HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in (_HEAD, *body)]
    lines.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    # A ratio that should be big is one of rates, so that the times stand the other way round.
    ours = None
    if row.base_ns is not None:
        ours = row.base_ns / row.measured if row.at_least else row.base_ns * row.measured
    sign = "≥" if row.at_least else "≤"
    return (
        row.what,
        _time(ours),
        _time(row.base_ns),
        _number(row.measured),
        f"{sign} {_number(row.must)}",
        f"{sign} {_number(row.aim)}",
        "yes, and the aim" if row.aimed else "yes" if row.holds else "NO",
        " · ".join(f"{name} {_number(value)}" for name, value in row.others.items()) or "–",
    )


def _number(value: float) -> str:
    if 0 < value < 0.1:
        return f"1/{1 / value:.0f}"
    return f"{value:.3g}"


def _time(nanoseconds: float | None) -> str:
    if nanoseconds is None:
        return "–"
    unit, size = next(((unit, size) for unit, size in _UNITS if nanoseconds >= size), _UNITS[-1])
    return f"{nanoseconds / size:.3g} {unit}"
