"""Pieces of SQL text: columns of a table under an alias, and placeholders."""

from __future__ import annotations

from collections.abc import Sequence


def columns(names: Sequence[str], alias: str = "") -> str:
    """Gives columns with commas between them, each under an alias if there is one."""
    return ", ".join(f"{alias}.{name}" if alias else name for name in names)


def placeholders(count: int, first: int = 1) -> str:
    """Gives `$first, …` for as many values."""
    return ", ".join(f"${number}" for number in range(first, first + count))


def assignments(names: Sequence[str], first: int) -> str:
    """Gives `name = $first, …` for the SET of an update."""
    return ", ".join(f"{name} = ${number}" for number, name in enumerate(names, first))
