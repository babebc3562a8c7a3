"""Hands events to the detector, and what it finds back as events: `anomaly.detected`, with the evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tallystick.core.ids import ClientId, PrincipalId
from tallystick.core.session.decision import Event
from tallystick.identity.throttle import network_of
from tallystick.observe.anomaly.detector import Detector
from tallystick.observe.anomaly.evidence import Evidence

Tell = Callable[[Sequence[Event]], None]


class Alarm:
    """An `Events` that looks for what is unusual in this process.

    Args:
        now: gives the instant, whole seconds.
        tell: takes what was found, as events.
    """

    def __init__(self, now: Callable[[], int], tell: Tell) -> None:
        self._now, self._tell = now, tell
        self._detector = Detector()

    def tell(
        self, events: Sequence[Event], *, principal: PrincipalId | None = None, client: ClientId | None = None
    ) -> None:
        """Takes events."""
        for event in events:
            found = self._found(event, principal)
            if found:
                self._tell([anomaly(one) for one in found])

    def _found(self, event: Event, principal: PrincipalId | None) -> Iterable[Evidence]:
        match event.name:
            case "authentication.succeeded":
                facts = dict(event.facts)
                if principal is None:
                    return ()
                return self._detector.right(principal, network_of(facts.get("network", "")), self._now())
            case "authentication.failed":
                facts = dict(event.facts)
                if facts["method"] == "client_secret":
                    # A service that was given a wrong secret tries for ever, and nobody guesses 256 bits.
                    return ()
                return self._detector.wrong(facts["subject"], network_of(facts.get("network", "")), self._now())
            case "attempt.throttled":
                return self._detector.throttled(self._now())
            case "session.ended" if ("because", "reuse") in event.facts:
                return self._detector.reused(self._now())
            case _:
                return ()


def anomaly(found: Evidence) -> Event:
    """Gives the event of an anomaly."""
    return Event(
        "anomaly.detected",
        None,
        (
            ("series", found.series),
            ("about", found.about),
            ("expected", f"{found.expected:.4g}"),
            ("observed", f"{found.observed:.4g}"),
            ("threshold", f"{found.threshold:.4g}"),
            ("window_s", str(found.window_s)),
            ("sentence", found.sentence),
        ),
    )
