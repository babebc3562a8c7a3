"""How long it takes until a session is opened or a token made: from when it was asked for to when it can be handed out."""

from __future__ import annotations

from contextvars import ContextVar
from time import perf_counter

_asked_at: ContextVar[float | None] = ContextVar("tallystick_asked_at", default=None)


class Unmetered:
    """A meter that measures nothing."""

    def opened(self, holder: str, seconds: float) -> None:
        """Does nothing."""

    def minted(self, credential: str, seconds: float) -> None:
        """Does nothing."""

    def appended(self, target: str, strength: str, entries: int) -> None:
        """Does nothing."""

    def authenticated(self, method: str) -> None:
        """Does nothing."""


def asked_now() -> None:
    """Says that a request is taken up in this task; what it opens or makes is timed from here."""
    _asked_at.set(perf_counter())


def asked_now_if_unsaid() -> None:
    """Says so where no server has said it: in an application that calls the authority by itself."""
    if _asked_at.get() is None:
        _asked_at.set(perf_counter())


def waited_s() -> float | None:
    """Gives how long ago the request was taken up, seconds; None if nobody said when."""
    asked_at = _asked_at.get()
    return None if asked_at is None else perf_counter() - asked_at
