"""The share of proofs that are wrong: a jump by a test of proportions, a creeping rise by a CUSUM.

Theory of operation. How many people sign in goes up and down with the day; which share of them mistypes hardly does. So
the share is watched, and the number only guards against chance. Let p be the usual share (of all proofs, each weighing half
after six hours, beginning like 200 proofs of which 10 % were wrong).

Jump: of n proofs in the last five minutes f are wrong. By chance f would be n·p, give or take sqrt(n·p·(1-p)). It is a
jump when f is more than eight times that beyond n·p, and the share more than twice the usual and five points above it.

Creep: each minute adds what is beyond one and a quarter times the usual and two points to a sum that never falls below
zero (Page's CUSUM). Chance pulls it down to zero; a rise that lasts adds up until it is beyond 50 failures.
"""

from __future__ import annotations

from math import sqrt

from tallystick.observe.anomaly.evidence import Evidence
from tallystick.observe.anomaly.window import Ratio, Window

WINDOW_S, STEP_S, MINUTE_S = 300, 15, 60
HALF_LIFE_S = 6 * 3600.0
BEGINS_AT, BEGINS_LIKE = 0.10, 200.0
DEVIATIONS = 8.0
FAILURES_MIN = 25
PROOFS_MIN = 40
MARGIN = 0.05
CREEP_MAX, CREEP_FACTOR, CREEP_MARGIN = 50.0, 1.25, 0.02
SERIES = "failure_rate"


class Share:
    """The share of wrong proofs, of everybody."""

    def __init__(self) -> None:
        self._wrong, self._all = Window(WINDOW_S, STEP_S), Window(WINDOW_S, STEP_S)
        self._usual = Ratio(HALF_LIFE_S, BEGINS_AT, BEGINS_LIKE)
        self._minute = -1
        self._minute_wrong = self._minute_all = 0
        self.creep = 0.0

    def take(self, now: int, *, wrong: bool, learns: bool = True) -> Evidence:
        """Takes a proof; gives what stands against what: it is an anomaly if `observed` is beyond `threshold`.

        Args:
            now: the instant, seconds.
            wrong: whether it was wrong.
            learns: False while an alarm is on, so that an attack does not become usual.
        """
        minute = now // MINUTE_S
        if minute > self._minute:
            self._close(minute, learns=learns)
        self._minute_wrong += wrong
        self._minute_all += 1
        failures = self._wrong.add(now) if wrong else self._still(now)
        return self._jump(failures, self._all.add(now))

    def crept(self) -> Evidence:
        """Gives how far the share has crept up."""
        usual = self._usual.share
        return Evidence(
            SERIES,
            "all",
            usual,
            self.creep,
            CREEP_MAX,
            MINUTE_S,
            f"{self.creep:.0f} more proofs were wrong, minute by minute, than one and a quarter times the usual share of "
            f"{usual:.0%} and two points explain; {CREEP_MAX:.0f} is the limit.",
        )

    def _still(self, now: int) -> int:
        self._wrong.advance(now)
        return self._wrong.total

    def _jump(self, failures: int, proofs: int) -> Evidence:
        usual = self._usual.share
        by_chance = proofs * usual + DEVIATIONS * sqrt(proofs * usual * (1 - usual))
        limit = max(FAILURES_MIN, by_chance, proofs * (2 * usual + MARGIN))
        if proofs < PROOFS_MIN:
            limit = float(max(PROOFS_MIN, FAILURES_MIN))
        return Evidence(
            SERIES,
            "all",
            proofs * usual,
            failures,
            limit,
            WINDOW_S,
            f"{failures} of {proofs} proofs of identity were wrong within {WINDOW_S // 60} minutes; "
            f"{proofs * usual:.0f} would be usual, and more than {limit:.0f} is no chance.",
        )

    def _close(self, minute: int, *, learns: bool) -> None:
        if self._minute_all:
            usual = self._usual.share
            beyond = self._minute_wrong - self._minute_all * (CREEP_FACTOR * usual + CREEP_MARGIN)
            self.creep = min(max(0.0, self.creep + beyond), 4 * CREEP_MAX)
            if learns and self.creep < CREEP_MAX / 2:
                self._usual.feed(self._minute_wrong, self._minute_all, (minute - self._minute) * MINUTE_S)
        self._minute, self._minute_wrong, self._minute_all = minute, 0, 0
