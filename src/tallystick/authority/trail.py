"""What a process holds of the audit trail: acts that wait to be written, and up to where it knows the trail to be whole."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tallystick.audit import AuditEntry

WAITING_MAX = 256
"""How many different acts without a commit are kept for the next second; the others are only counted."""


@dataclass(slots=True)
class Trail:
    """Acts that have no commit of their own, collected until the next flush.

    Args:
        waiting: what happened, its instant and request left out → the first such entry, and how often it happened.
        dropped: how many acts found no room since the last flush.
        proved: the place and the chain that this process has checked, or None before the first time.
        unproved: something was recorded since this process wrote its last checkpoint.
    """

    waiting: dict[AuditEntry, tuple[AuditEntry, int]] = field(default_factory=dict)
    dropped: int = 0
    proved: tuple[int, bytes] | None = None
    unproved: bool = False

    def add(self, entry: AuditEntry, times: int = 1) -> None:
        """Keeps an act; the same act again is counted."""
        alike = replace(entry, at=0, request="")
        first, before = self.waiting.get(alike, (entry, 0))
        if before or len(self.waiting) < WAITING_MAX:
            self.waiting[alike] = (first, before + times)
        else:
            self.dropped += times

    def take(self, now: int) -> list[AuditEntry]:
        """Gives what waits, and what was only counted as one entry more; nothing waits any longer."""
        entries = [
            entry if times == 1 else replace(entry, facts=tuple(sorted((*entry.facts, ("times", str(times))))))
            for entry, times in self.waiting.values()
        ]
        if self.dropped:
            entries.append(AuditEntry(now, "audit.dropped", facts=(("times", str(self.dropped)),)))
        self.waiting, self.dropped = {}, 0
        return entries
