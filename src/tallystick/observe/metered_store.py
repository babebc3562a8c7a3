"""A store whose operations are timed and whose errors are counted; everything else is the store's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from time import perf_counter
from typing import Any, cast

from tallystick.errors import AlreadyExists, Conflict, TallystickError, Unavailable
from tallystick.observe import catalogue as of
from tallystick.observe.counts import Counts
from tallystick.ports import Store

_KINDS = {
    "commit": "commit",
    "facts_of_session": "facts",
    "facts_of_account": "facts",
    "facts_of_client": "facts",
    "facts_of_account_and_client": "facts",
    "find_handle": "facts",
    "sessions_of": "sessions",
    "sessions_opened_from": "sessions",
    "accounts": "lists",
    "clients": "lists",
    "audiences": "lists",
    "keys": "keys",
    "count": "count",
    "attempts": "count",
    "touch": "touch",
    "resolve": "resolve",
    "registry": "registry",
    "verifiers": "registry",
    "doubt": "registry",
    "want_acks": "registry",
    "log_page": "log",
    "head": "log",
    "audit_page": "log",
    "audit_recent": "log",
    "audit_head": "log",
    "sweep": "sweep",
}
_UNTIMED = frozenset({"open", "close"})


def metered(store: Store, counts: Counts) -> Store:
    """Gives the same store, with each of its operations timed.

    Args:
        store: which one.
        counts: of this process.
    """
    return cast("Store", _Metered(store, counts))


class _Metered:
    def __init__(self, store: Store, counts: Counts) -> None:
        self._store, self._counts = store, counts

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if iscoroutinefunction(found) and name not in _UNTIMED:
            found = _timed(found, _KINDS.get(name, "other"), self._counts)
        # Kept, so that the next use costs an attribute and no more.
        self.__dict__[name] = found
        return found


def _timed(operation: Callable[..., Any], kind: str, counts: Counts) -> Callable[..., Any]:
    @wraps(operation)
    async def timed(*args: Any, **kwargs: Any) -> Any:
        begun = perf_counter()
        try:
            return await operation(*args, **kwargs)
        except TallystickError as error:
            counts.add(of.STORE_ERRORS, kind, _word_of(error))
            raise
        finally:
            counts.observe(of.STORE_SECONDS, perf_counter() - begun, kind)

    return timed


def _word_of(error: TallystickError) -> str:
    if isinstance(error, Unavailable):
        return "unavailable"
    if isinstance(error, Conflict):
        return "conflict"
    return "already_exists" if isinstance(error, AlreadyExists) else "other"
