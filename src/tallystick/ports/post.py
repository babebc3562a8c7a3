"""Mail as the use cases know it: letters, and somebody who sends them later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tallystick.core.ids import PrincipalId
from tallystick.core.secret import Secret

LetterKind = Literal["verify", "taken", "reset", "password_changed", "factor_added", "factor_removed", "new_device"]
"""What a letter is about; each kind has its templates."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to be written and sent.

    Args:
        kind: what it is about.
        to: the address as its owner typed it at sign-up; never what a request names.
        expires_at: from this instant on it is not worth sending.
        words: what its template is filled in with; links are secrets.
        principal: whose account it is about, if there is one.
    """

    kind: LetterKind
    to: str
    expires_at: int
    words: Mapping[str, str | int | Secret] = field(default_factory=dict)
    principal: PrincipalId | None = None

    def __repr__(self) -> str:
        return f"Letter({self.kind})"


class Mailer(Protocol):
    """Sends mail, later: nobody waits for it, and nobody who asked for a letter learns what became of it."""

    def post(self, letter: Letter) -> None:
        """Takes a letter; never raises, never blocks. What becomes of it is told to the events."""

    async def run(self) -> None:
        """Delivers letters until it is cancelled."""

    async def close(self) -> None:
        """Tries what is left once more, in bounded time; never raises."""
