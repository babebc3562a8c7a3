"""The wait for an ending to be true everywhere: for every registered verifier's ack, or for the bound.

Theory of operation. Append, commit, then read the registry; a verifier registers, commits, then sends its first beat.
So whoever holds a lease that began before the append stands in the registry that is read after it. Only an ack releases
a verifier: one whose row goes away meanwhile may still hold a lease (somebody else may have removed it), so the bound is
waited for. All or lapse, never a majority.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tallystick.core.revocation.entry import Position


@dataclass(frozen=True, slots=True)
class Everywhere:
    """A wait in progress, as a value; `heard` gives the next.

    Args:
        position: what was appended.
        appended_at: a boot-clock instant not before the append was durable, seconds.
        bound_s: LS of the log header: after it no lease of before the append is left.
        missing: verifiers that have not acked yet, sorted.
        acked: verifier → seconds after the append at which its ack was seen.
    """

    position: Position
    appended_at: float
    bound_s: float
    missing: tuple[str, ...]
    acked: Mapping[str, float]

    @classmethod
    def begin(
        cls, position: Position, appended_at: float, registry: Mapping[str, Position], bound_s: float
    ) -> Everywhere:
        """Begins a wait.

        Args:
            position: what was appended.
            appended_at: a boot-clock instant not before the append was durable, seconds.
            registry: verifier → position it has acked, read after the append was durable.
            bound_s: LS of the log header.
        """
        return cls(position, appended_at, bound_s, tuple(sorted(registry)), {}).heard(registry, appended_at)

    def heard(self, registry: Mapping[str, Position], now: float) -> Everywhere:
        """Takes another reading of the registry, at an instant of the boot clock."""
        news = {name: now - self.appended_at for name in self.missing if registry.get(name, _NOTHING) >= self.position}
        if not news:
            return self
        missing = tuple(name for name in self.missing if name not in news)
        return replace(self, missing=missing, acked={**self.acked, **news})

    def done(self, now: float) -> bool:
        """Tells whether what was appended is true everywhere at an instant of the boot clock."""
        return not self.missing or now - self.appended_at >= self.bound_s

    @property
    def worst_s(self) -> float:
        """The longest that an ack took, seconds; 0 if nobody has acked."""
        return max(self.acked.values(), default=0.0)


_NOTHING = Position(-1, 0)
