"""The near-cache: what cookies stood for when they were last looked up.

Theory of operation. A view found here is only a memory: the check runs on every use, so a fill that was read before an
ending and arrives after it resurrects nothing. An entry is good until the store's own instant `good_until`, judged by
the ratchet of the wall clock, and for at most T_nc of the boot clock, counted from when its read was sent. A fill that
was asked for in another era (before a new epoch of the log, or before the wall clock was found wrong) is not kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tallystick.core.credentials.view import CookieFill, SessionView
from tallystick.core.secret import Digest
from tallystick.core.verification.bounded import Bounded

VIEWS = 50_000
"""How many cookies a half holds."""
NEGATIVES = 10_000
"""How many digests that stand for nothing are remembered, in both halves together."""
NEGATIVE_LIFETIME_S = 5.0


class _Kept(NamedTuple):
    view: SessionView
    good_until: int
    dies_at: float


@dataclass(frozen=True, slots=True)
class Nothing:
    """A cookie stands for nothing.

    Args:
        because: `missing`, `ended` or `expired`.
    """

    because: str


class NearCache:
    """Cookie digest → view, bounded; and digests that stand for nothing, for five seconds.

    Args:
        half: how many cookies a half holds.
        negatives: how many digests that stand for nothing are remembered.
    """

    __slots__ = ("_nothing", "_views", "era")

    def __init__(self, half: int = VIEWS, negatives: int = NEGATIVES) -> None:
        self._views: Bounded[bytes, _Kept] = Bounded(half)
        self._nothing: Bounded[bytes, tuple[Nothing, float]] = Bounded(negatives // 2)
        self.era = 0

    def find(self, digest: bytes, boot: float, wall: float) -> SessionView | Nothing | None:
        """Gives what a digest stands for as far as it is remembered; None means: look it up.

        Args:
            digest: of the cookie.
            boot: the boot clock, seconds.
            wall: the ratchet of the wall clock, seconds.
        """
        kept = self._views.young.get(digest) or self._views.get(digest)
        if kept is not None:
            return kept.view if boot < kept.dies_at and wall < kept.good_until else None
        nothing = self._nothing.get(digest)
        return nothing[0] if nothing is not None and boot < nothing[1] else None

    def fill(self, digest: Digest, fill: CookieFill, sent_at: float, lifetime_s: float, era: int) -> None:
        """Keeps what a read found.

        Args:
            digest: of the cookie.
            fill: what the authority's store says.
            sent_at: the boot clock when the read was sent, seconds.
            lifetime_s: T_nc of the log header; 0 keeps nothing.
            era: `era` when the read was sent.
        """
        if era != self.era or lifetime_s <= 0:
            return
        if fill.view is None:
            self._views.drop(digest)
            self._nothing.put(digest, (Nothing(fill.because), sent_at + min(lifetime_s, NEGATIVE_LIFETIME_S)))
        else:
            self._nothing.drop(digest)
            self._views.put(digest, _Kept(fill.view, fill.good_until, sent_at + lifetime_s))

    def drop(self, digest: bytes) -> None:
        """Forgets a cookie: the log says that its view is outdated."""
        self._views.drop(digest)

    def flush(self) -> None:
        """Forgets everything, and whatever is on its way."""
        self.era += 1
        self._views.clear()
        self._nothing.clear()

    def __len__(self) -> int:
        return len(self._views)
