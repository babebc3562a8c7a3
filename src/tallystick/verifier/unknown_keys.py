"""Tokens whose key is not known: the key set is read again, within bounds that no flood of them can pass."""

from __future__ import annotations

from collections.abc import Callable, Container

from tallystick.core.keys.encoding import decode, read_object
from tallystick.core.verification.bounded import Bounded
from tallystick.errors import KeyUnknown, Unavailable
from tallystick.verifier.thread import FollowerThread

WAIT_S = 0.25
"""How long a request waits for the read."""
MISSED_S = 5.0
"""How long a name that was not found stays not found."""
BURST = 10
"""How many reads unknown names may cause at once; one more for each half second."""
_REFILL_S = 0.5


class UnknownKeys:
    """Remembers which names were not found, and bounds the reads that unknown names cause.

    Args:
        boot: gives the boot clock, seconds.
    """

    def __init__(self, boot: Callable[[], float]) -> None:
        self._boot = boot
        self._missed: Bounded[str, float] = Bounded(1000)
        self._full_at = 0.0

    def look_again(self, token: str, revoked: Container[str], thread: FollowerThread | None) -> None:
        """Has the key set read again for a token whose key is not known; returns when it was.

        Args:
            token: the compact form; its header has parsed before.
            revoked: names of keys that no read brings back.
            thread: who reads; None where the keys are fixed.

        Raises:
            KeyUnknown: the key was revoked, or was looked for a moment ago.
            Unavailable: it could not be read, or too often has been: whether the key is good is not known.
        """
        kid = str(read_object(decode(token.partition(".")[0])).get("kid"))
        now = self._boot()
        if thread is None or kid in revoked or now < (self._missed.get(kid) or 0.0):
            raise KeyUnknown("the key set has no such key")
        self._full_at = max(self._full_at, now - BURST * _REFILL_S) + _REFILL_S
        if self._full_at > now or not thread.read_keys(WAIT_S):
            raise Unavailable("the key set cannot be read again now")
        self._missed.put(kid, now + MISSED_S)
