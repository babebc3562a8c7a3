"""Events and measurements as counts: what each of them raises. It looks at names and closed words, never at persons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tallystick.core.ids import ClientId, PrincipalId
from tallystick.core.session.decision import Event
from tallystick.observe import catalogue as of
from tallystick.observe.counts import Counts

Facts = Mapping[str, str]


class Metering:
    """An `Events` that counts, and a `Meter`.

    Args:
        counts: of this process.
    """

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._raises: Mapping[str, Callable[[Facts], None]] = {
            "authentication.succeeded": lambda facts: counts.add(of.AUTHENTICATIONS, facts.get("method", "")),
            "authentication.failed": lambda facts: counts.add(
                of.AUTHENTICATION_FAILURES, facts.get("method", ""), facts.get("reason", "")
            ),
            "attempt.throttled": lambda facts: counts.add(of.THROTTLED, facts.get("kind", "")),
            "session.opened": lambda facts: counts.add(of.SESSIONS_OPENED, facts.get("holder", "")),
            "session.stepped_up": lambda facts: counts.add(of.SESSIONS_STEPPED_UP),
            "session.ended": self._ended,
            "session.expired": lambda facts: counts.add(of.SESSIONS_ENDED, "expired"),
            "refresh.rotated": lambda facts: counts.add(of.REFRESHES, "rotated"),
            "refresh.repeated": lambda facts: counts.add(of.REFRESHES, "repeated"),
            "refresh.refused": lambda facts: counts.add(of.REFRESHES, "refused"),
            "ending.everywhere": self._everywhere,
            "job.failed": lambda facts: counts.add(of.JOBS_FAILED, facts.get("job", "")),
            "anomaly.detected": lambda facts: counts.add(of.ANOMALIES_FOUND, facts.get("series", "")),
        }

    def tell(
        self, events: Sequence[Event], *, principal: PrincipalId | None = None, client: ClientId | None = None
    ) -> None:
        """Counts events; one that counts for nothing is passed over."""
        for event in events:
            raises = self._raises.get(event.name)
            if raises is not None:
                raises(dict(event.facts))

    def _ended(self, facts: Facts) -> None:
        because = facts.get("because", "")
        self._counts.add(of.SESSIONS_ENDED, because)
        if because == "reuse":
            self._counts.add(of.REFRESHES, "reused")

    def _everywhere(self, facts: Facts) -> None:
        self._counts.observe(of.EVERYWHERE_SECONDS, float(facts["waited_s"]))
        if facts.get("missing", "0") != "0":
            self._counts.add(of.EVERYWHERE_BOUND)

    # ── Meter ────────────────────────────────────────────────────────────────────────────────────────────────────

    def opened(self, holder: str, seconds: float) -> None:
        """Counts how long it took until a session was opened."""
        self._counts.observe(of.SESSION_SECONDS, seconds, holder)

    def minted(self, credential: str, seconds: float) -> None:
        """Counts how long it took until a token was made."""
        self._counts.observe(of.TOKEN_SECONDS, seconds, credential)

    def appended(self, target: str, strength: str, entries: int) -> None:
        """Counts entries of the revocation log."""
        self._counts.add(of.REVOCATIONS, target, strength, by=entries)

    def authenticated(self, method: str) -> None:
        """Counts a proof that is told in no event."""
        self._counts.add(of.AUTHENTICATIONS, method)
