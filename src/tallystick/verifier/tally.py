"""What a verifier counts of its checks: plain integers, raised where a check ends and read when somebody asks.

Theory of operation. A seen credential is checked in about two microseconds, so its path raises one integer and nothing
else; every 128th check also takes the time, from the instant that the check had read anyway. First sights and refusals
are a hundred times dearer, and are all timed or counted by their word. No lock is taken: CPython switches threads
between bytecodes that raise no integer half, and a lost count would harm nobody.
"""

from __future__ import annotations

from collections import Counter

from tallystick.errors import LeaseLapsed, TallystickError
from tallystick.verifier.metric import Timing

SAMPLED = 127
"""A seen credential's check is timed when its number has none of these bits: every 128th."""
CHECK_BOUNDS = (1e-6, 2e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 1e-3, 5e-3, 2.5e-2, 0.1, 0.25, 1.0)
"""Seconds."""
REASONS = (
    "credential.expired",
    "credential.malformed",
    "credential.missing",
    "credential.outdated",
    "credential.signature_invalid",
    "credential.key_unknown",
    "credential.issuer_mismatch",
    "credential.audience_mismatch",
    "session.ended",
    "lease.lapsed",
    "unavailable",
)
"""The codes of errors that a check ends with; any other counts as `other`."""


class Tally:
    """The counts of one verifier, from its start (or its fork) on."""

    __slots__ = (
        "cookie_first",
        "cookie_first_time",
        "cookie_seen",
        "cookie_seen_time",
        "lapses",
        "refused",
        "token_first",
        "token_first_time",
        "token_seen",
        "token_seen_time",
    )

    def __init__(self) -> None:
        self.token_seen = self.token_first = self.cookie_seen = self.cookie_first = self.lapses = 0
        self.token_seen_time, self.token_first_time = Timing(CHECK_BOUNDS), Timing(CHECK_BOUNDS)
        self.cookie_seen_time, self.cookie_first_time = Timing(CHECK_BOUNDS), Timing(CHECK_BOUNDS)
        self.refused: Counter[tuple[str, str]] = Counter()

    def first_token(self, seconds: float) -> None:
        """Counts an access token that was accepted at first sight."""
        self.token_first += 1
        self.token_first_time.add(seconds)

    def first_cookie(self, seconds: float) -> None:
        """Counts a cookie that was accepted after it was looked up."""
        self.cookie_first += 1
        self.cookie_first_time.add(seconds)

    def refuse(self, credential: str, error: TallystickError) -> None:
        """Counts a check that ended with an error.

        Args:
            credential: `access_token`, `cookie`, or `none` if it was not even found.
            error: what it ended with.
        """
        self.refused[credential, error.code] += 1
        if isinstance(error, LeaseLapsed):
            self.lapses += 1
