"""Hysteresis: an alarm is raised once, again only after an hour of lasting, and is over when half of it is over."""

from __future__ import annotations

REPEAT_S = 3600
CALM_S = 900
KEPT = 1000


class Alarms:
    """Which alarms are on; bounded: the one that was on first goes first."""

    __slots__ = ("_raised",)

    def __init__(self) -> None:
        self._raised: dict[tuple[str, str], tuple[int, int]] = {}

    def on(self, series: str, about: str) -> bool:
        """Tells whether an alarm is on."""
        return (series, about) in self._raised

    def look(self, series: str, about: str, observed: float, threshold: float, now: int) -> bool:
        """Tells whether an alarm shall be raised now.

        Args:
            series: of the rule.
            about: what it concerns.
            observed: what is seen.
            threshold: what is too much.
            now: the instant, seconds.
        """
        key = series, about
        on = self._raised.get(key)
        if on is not None:
            raised_at, seen_at = on
            if observed >= threshold / 2 and now - seen_at < CALM_S:
                again = now - raised_at >= REPEAT_S and observed >= threshold
                self._raised[key] = (now if again else raised_at), now
                return again
            if observed >= threshold / 2 and observed < threshold:
                return False
            del self._raised[key]
        if observed < threshold:
            return False
        if len(self._raised) >= KEPT:
            self._raised.pop(next(iter(self._raised)))
        self._raised[key] = now, now
        return True
