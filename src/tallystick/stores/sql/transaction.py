"""Transactions as generators: each yields a statement with its arguments and is sent the rows; a driver runs it.

Written once for every engine. A generator that raises has its whole transaction undone by the driver.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, TypeVar

Result = TypeVar("Result")
Arguments = tuple[Any, ...]
Step = tuple[str, Arguments]
"""A statement and the values of its placeholders `$1 … $n`."""
Rows = Sequence[Sequence[Any]]
Transaction = Generator[Step, Rows, Result]
