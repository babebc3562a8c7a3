"""Verifiers of this process, so that the child of a fork can make each of them begin anew."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """What has threads, connections and a lease that a child must not share."""

    def orphan(self) -> None:
        """Begins anew."""


_running: WeakSet[Forkable] = WeakSet()


def remember(one: Forkable) -> None:
    """Remembers what is running here."""
    _running.add(one)


def _in_child() -> None:
    for one in tuple(_running):
        one.orphan()
    _running.clear()


os.register_at_fork(after_in_child=_in_child)
