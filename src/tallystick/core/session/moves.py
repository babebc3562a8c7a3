"""The moves of a session, as two tables. The rules in decide.py, the docs and the tests read these; nothing is outside them.

Theory of operation. A session is absent, live or ended, and ended is for ever. What a request wants is not yet a move:
a guard looks at the clock and at what was presented, and the first that holds names the move. The table of moves then
says what it writes, what goes into the log, and what may be delivered after the commit. "Expired" is no state but a
question to the clock, so nothing has to happen at the moment when time runs out.

An ending compares no version, so it cannot lose; every other move does, so of two that race one is decided again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal


class State(Enum):
    """Where a session is."""

    ABSENT = "absent"
    LIVE = "live"
    ENDED = "ended"


class Guard(Enum):
    """What is asked before a refresh, in this order; the first that holds names the move."""

    OVER = "the row is missing or ended, a cut covers it, or its principal or client is disabled"
    OUT_OF_TIME = (
        "now is at or past its hard end, or it was idle too long (for a bound session: the one it was opened from)"
    )
    NOT_ITS_CLIENT = "another client or binding than its own"
    CURRENT = "the generation is the current one"
    BEYOND = "a generation that its row has not reached, and the row is of an epoch before a restore"
    PREDECESSOR = "the generation is the one before, within the grace"
    OLDER = "any other generation"


class Move(Enum):
    """What can happen to a session."""

    OPEN = "open"
    STEP_UP = "step_up"
    ALLOW = "allow"
    MINT = "mint"
    ROTATE = "rotate"
    REPEAT = "repeat"
    REUSE = "reuse"
    REVOKE = "revoke"
    EXPIRE = "expire"


GUARDS: tuple[tuple[Guard, Move | None], ...] = (
    (Guard.OVER, None),
    (Guard.OUT_OF_TIME, Move.EXPIRE),
    (Guard.NOT_ITS_CLIENT, None),
    (Guard.CURRENT, Move.ROTATE),
    (Guard.BEYOND, Move.ROTATE),
    (Guard.PREDECESSOR, Move.REPEAT),
    (Guard.OLDER, Move.REUSE),
)
"""Guards of a refresh in order, with the move that each names; None refuses and ends nothing."""

Writes = Literal[
    "row", "row and the version of the row it opens from", "row and the rows bound to it", "row, when swept", "nothing"
]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table of moves.

    Args:
        before: the state in which the move is possible.
        after: the state after it.
        writes: what is committed.
        logs: how many entries go into the log.
        delivers: what may leave after the commit.
    """

    before: State
    after: State
    writes: Writes
    logs: Literal["none", "one for each"]
    delivers: tuple[Literal["cookie", "refresh token", "access token"], ...]


MOVES: dict[Move, Rule] = {
    Move.OPEN: Rule(
        State.ABSENT,
        State.LIVE,
        "row and the version of the row it opens from",
        "none",
        ("cookie", "refresh token", "access token"),
    ),
    Move.STEP_UP: Rule(State.LIVE, State.LIVE, "row", "none", ("cookie",)),
    Move.ALLOW: Rule(State.LIVE, State.LIVE, "row", "none", ("access token",)),
    Move.MINT: Rule(State.LIVE, State.LIVE, "nothing", "none", ("access token",)),
    Move.ROTATE: Rule(State.LIVE, State.LIVE, "row", "none", ("refresh token", "access token")),
    Move.REPEAT: Rule(State.LIVE, State.LIVE, "nothing", "none", ("refresh token", "access token")),
    Move.REUSE: Rule(State.LIVE, State.ENDED, "row and the rows bound to it", "one for each", ()),
    Move.REVOKE: Rule(State.LIVE, State.ENDED, "row and the rows bound to it", "one for each", ()),
    Move.EXPIRE: Rule(State.LIVE, State.ENDED, "row, when swept", "none", ()),
}
"""What each move does."""
