"""Events as lines of the standard log."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from tallystick.core.ids import ClientId, PrincipalId
from tallystick.core.session.decision import Event

LOGGER = "tallystick"
_WARNINGS = frozenset(
    {
        "refresh.refused",
        "job.failed",
        "mail.refused",
        "mail.delayed",
        "mail.dropped",
        "anomaly.detected",
        "attempt.throttled",
    }
)
_REUSED = ("because", "reuse")


class PlainEvents:
    """Writes each event to the logger `tallystick`: its name, and its words as JSON, so that no word can end the line.

    The record carries the same under `event`, `session`, `principal`, `client` and `facts` for structured handlers.
    """

    __slots__ = ("_logger",)

    def __init__(self) -> None:
        self._logger = logging.getLogger(LOGGER)

    def tell(
        self, events: Sequence[Event], *, principal: PrincipalId | None = None, client: ClientId | None = None
    ) -> None:
        """Writes events; a handler that fails is logging's own affair and raises nothing here."""
        for event in events:
            alarming = event.name in _WARNINGS or _REUSED in event.facts
            level = logging.WARNING if alarming else logging.INFO
            if not self._logger.isEnabledFor(level):
                continue
            facts = dict(event.facts)
            words = {"session": event.session, "principal": principal, "client": client}
            named = {name: str(word) for name, word in words.items() if word is not None}
            self._logger.log(
                level,
                "%s %s",
                event.name,
                json.dumps({**named, **facts}),
                extra={
                    "event": event.name,
                    "session": None,
                    "principal": None,
                    "client": None,
                    **named,
                    "facts": facts,
                },
            )
