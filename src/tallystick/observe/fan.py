"""Hands every event to several takers; one that fails harms neither the others nor whoever told it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from tallystick.core.ids import ClientId, PrincipalId
from tallystick.core.session.decision import Event
from tallystick.ports import Events

_log = logging.getLogger("tallystick.observe")


class Fan:
    """An `Events` that tells several.

    Args:
        takers: who is told, in this order.
        lost: called for each taker that failed.
    """

    def __init__(self, takers: Sequence[Events], lost: Callable[[], None]) -> None:
        self._takers, self._lost = list(takers), lost

    def add(self, taker: Events) -> None:
        """Tells one more from now on."""
        self._takers.append(taker)

    def tell(
        self, events: Sequence[Event], *, principal: PrincipalId | None = None, client: ClientId | None = None
    ) -> None:
        """Tells every taker; never raises."""
        if not events:
            return
        for taker in self._takers:
            try:
                taker.tell(events, principal=principal, client=client)
            except Exception as error:  # noqa: BLE001  (the commit is done: what an observer cannot take must not undo the answer)
                self._lost()
                _log.error("%s could not take an event: %s", type(taker).__name__, type(error).__name__)
