"""What one step of the demo is, and how it is compared with what is promised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tallystick.cli import facts
from tallystick.cli.demo.worth import ABSENT, KINDS, NEVER, PROCESSES, Arrival, Holding, Kind, Worth

TAKES: Mapping[Kind, tuple[str, ...]] = {
    "cookie": ("server", "notes"),
    "refresh token": ("server",),
    "access token": PROCESSES,
}
"""Which processes have a use for a kind of credential."""


@dataclass(slots=True)
class Step:
    """One step: what was done, what was seen, and what differs from the promise.

    Args:
        number: its place in the story.
        name: what the table calls it.
        title: what was done.
        guarantee: the name of the guarantee that it shows, or the empty text.
        seen: short facts, name → value.
        worths: what each device's credentials are worth after it.
        arrivals: when an ending had reached each process.
        revoked: what the call that ended something gave.
        problems: what differs from what is promised; empty when all is well.
    """

    number: int
    name: str
    title: str
    guarantee: str = ""
    seen: dict[str, object] = field(default_factory=dict)
    worths: list[Worth] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    revoked: facts.Facts = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def demand(self, holds: bool, otherwise: str) -> None:
        """Notes a problem unless something holds."""
        if not holds:
            self.problems.append(otherwise)

    def compare(self, holding: Holding, worth: Worth, expected: str) -> None:
        """Keeps what a device's credentials are worth, and notes each that differs.

        Args:
            holding: what the device holds.
            worth: what was seen.
            expected: what every credential must be worth where it is of use at all.
        """
        self.worths.append(worth)
        for kind in KINDS:
            for process in PROCESSES:
                promised = ABSENT if not holding.has(kind) else expected if process in TAKES[kind] else NEVER
                seen = worth.verdicts[kind, process]
                if seen.worth != promised:
                    self.problems.append(
                        f"{holding.name}: {kind} at {process} is {seen.worth} ({seen.status} {seen.code}), not {promised}"
                    )

    def as_json(self) -> dict[str, object]:
        """Gives everything as plain values."""
        return {
            "step": self.number,
            "name": self.name,
            "title": self.title,
            "guarantee": self.guarantee,
            "seen": self.seen,
            "worth": [
                {"device": worth.holding, "credential": kind}
                | {process: worth.verdicts[kind, process].worth for process in PROCESSES}
                for worth in self.worths
                for kind in KINDS
                if worth.verdicts[kind, "server"].worth != ABSENT
            ],
            "arrived": [
                {"process": one.process, "ms": round(one.milliseconds, 1), "retries": one.retries}
                for one in self.arrivals
            ],
            "revoked": self.revoked,
            "problems": self.problems,
        }
