"""Small writes beside the commit: last uses, throttle counters, settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from tallystick.core.ids import SessionId
from tallystick.identity.throttle import Attempts
from tallystick.stores.sql import statements as sql
from tallystick.stores.sql.transaction import Transaction

Item = TypeVar("Item")


def batched(items: Iterable[Item], size: int) -> Iterator[tuple[Item, ...]]:
    """Gives items in parts of at most so many."""
    left = iter(items)
    while part := tuple(islice(left, size)):
        yield part


def touch(uses: Sequence[tuple[SessionId, int]]) -> Transaction[None]:
    """Moves idle clocks, never backwards; raises no version."""
    for name, at in uses:
        yield sql.TOUCH, (str(name), at)


def count(key: str, change: Callable[[Attempts], Attempts]) -> Transaction[Attempts]:
    """Applies a pure change to the attempts kept under a key; gives them as they were before."""
    found = yield sql.ATTEMPTS, (key,)
    before = Attempts(*found[0]) if found else Attempts()
    after = change(before)
    if after != before:
        yield sql.PUT_ATTEMPTS, (key, after.failures, after.last_at)
    return before


def put_setting(name: str, value: str) -> Transaction[str]:
    """Writes a setting."""
    yield sql.PUT_SETTING, (name, value)
    return value
