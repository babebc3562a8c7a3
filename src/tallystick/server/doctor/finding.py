"""What the doctor says: a mistake with its stable id, one sentence, and the fix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tallystick.server.doctor.mistakes import MISTAKES, PAGE, Severity

Unseen = tuple[str, str]
"""What could not be looked at, and why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake that was found.

    Args:
        id: its stable name, such as `doctor.issuer_differs`.
        severity: `error` for what does not work or is not safe, `warning` for what soon will not.
        says: one sentence about what was seen.
        fix: a command or a setting.
        docs: where the documentation tells of it.
    """

    id: str
    severity: Severity
    says: str
    fix: str
    docs: str


Findings = Iterator[Finding]


def found(name: str, says: str, fix: str = "") -> Finding:
    """Makes the finding of a mistake of the table.

    Args:
        name: its id, without `doctor.`.
        says: one sentence about what was seen.
        fix: what helps here; that of the table by default.
    """
    mistake = MISTAKES[name]
    return Finding(f"doctor.{name}", mistake.severity, says, fix or mistake.fix, f"{PAGE}#doctor{name}")


@dataclass(frozen=True, slots=True)
class Report:
    """What came out of an examination.

    Args:
        findings: the errors first.
        unseen: what could not be looked at, each with the reason.
        seen: what was looked at.
    """

    findings: tuple[Finding, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    seen: tuple[str, ...] = field(default=())

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(one.severity == "error" for one in self.findings)
