"""Who waits for an entry to be applied, and who wants to know when a session falls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from tallystick.core.credentials.view import SessionView
from tallystick.core.revocation.entry import Position, Revocation
from tallystick.core.revocation.index import RevocationIndex

_log = logging.getLogger("tallystick.verifier")


def in_loop(call: Callable[..., object], loop: asyncio.AbstractEventLoop | None) -> Callable[..., None]:
    """Makes a callable that runs in an event loop when it is called from another thread; at once where there is no loop.

    It never raises: who calls it has more to do.
    """

    def from_any_thread(*arguments: object) -> None:
        try:
            if loop is None:
                call(*arguments)
            else:
                loop.call_soon_threadsafe(call, *arguments)
        except Exception:  # noqa: BLE001  (somebody else's code, or a loop that has closed: following goes on)
            _log.warning("a callback could not be run", exc_info=True)

    return from_any_thread


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Gives the event loop that the caller runs in, or None."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


@dataclass(slots=True, eq=False)
class _Watch:
    call: Callable[[Any], None]
    view: SessionView | None


class Watches:
    """Callbacks for what the log ends. `tell` comes from the follower's thread, everything else from any."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._watches: set[_Watch] = set()

    def renew(self) -> None:
        """Replaces the lock, which a thread of a forked parent may hold; the callbacks stay."""
        self._lock = Lock()

    def add(self, callback: Callable[[Any], object], view: SessionView | None) -> Callable[[], None]:
        """Adds a callback; gives what removes it."""
        watch = _Watch(in_loop(callback, running_loop()), view)
        with self._lock:
            self._watches.add(watch)

        def remove() -> None:
            with self._lock:
                self._watches.discard(watch)

        return remove

    def tell(self, news: Sequence[Revocation], index: RevocationIndex) -> None:
        """Calls everybody whom entries concern that were applied now; a watch of one session is called once."""
        with self._lock:
            watches = tuple(self._watches)
            fallen = {watch for watch in watches if watch.view is not None and index.covers(watch.view) is not None}
            self._watches -= fallen
        for watch in watches:
            if watch.view is None:
                for entry in news:
                    watch.call(entry)
            elif watch in fallen:
                watch.call(watch.view)


class Waiters:
    """Who waits for a position to be applied. `reached` comes from the follower's thread, `add` from any."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiters: list[tuple[Position, Callable[[], None]]] = []

    def add(self, position: Position, call: Callable[[], None]) -> None:
        """Adds a callable to be called once when the position is applied."""
        with self._lock:
            self._waiters.append((position, call))

    def remove(self, call: Callable[[], None]) -> None:
        """Removes a callable that has not been called."""
        with self._lock:
            self._waiters = [waiter for waiter in self._waiters if waiter[1] is not call]

    def reached(self, applied: Position) -> None:
        """Calls everybody whose position is applied."""
        if not self._waiters:
            return
        with self._lock:
            due = [call for position, call in self._waiters if position <= applied]
            self._waiters = [waiter for waiter in self._waiters if waiter[0] > applied]
        for call in due:
            call()
