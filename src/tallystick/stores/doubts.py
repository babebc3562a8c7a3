"""Which registered verifiers are dead, found without stored clocks.

Theory of operation. A beat is not written, so a row says nothing about whether its verifier still runs. It is asked: the
row is marked as doubted, in a commit. A beat that is answered after that commit says "not registered", and the verifier
registers again before it takes another lease, which takes the doubt away. A lease of before the commit is over after LS.
So a row that this process has seen doubted, unchanged, for LS on its own clock belongs to nobody who holds a lease: it need
not be waited for and may be removed. A verifier that lives is never dropped while it holds a lease.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tallystick.ports import Registered

ASK_AFTER_S = 30.0
"""A verifier that has not registered anew for so long is asked whether it still runs."""


class Doubts:
    """What this process has seen of the registry, on its own boot clock.

    Args:
        boot: gives the boot clock, seconds.
    """

    def __init__(self, boot: Callable[[], float]) -> None:
        self._boot = boot
        self._since: dict[tuple[str, int, bool], float] = {}

    def see(self, rows: Sequence[Registered]) -> None:
        """Takes a reading of the registry; call it after the read, never before."""
        now = self._boot()
        self._since = {row[:3]: self._since.get(row[:3], now) for row in rows}

    def _for(self, row: Registered) -> float:
        return self._boot() - self._since.get(row[:3], float("inf"))

    def dead(self, rows: Sequence[Registered], bound_s: float) -> list[Registered]:
        """Gives the rows that were seen doubted for longer than the lease bound."""
        return [row for row in rows if row.doubted and self._for(row) > bound_s]

    def to_ask(self, rows: Sequence[Registered]) -> list[str]:
        """Gives the verifiers that shall be asked whether they still run."""
        return [row.name for row in rows if not row.doubted and self._for(row) >= ASK_AFTER_S]
