"""Writes `docs/reference/moves.md` from the tables of moves; with `--check` only says whether it differs."""

from __future__ import annotations

import sys
from pathlib import Path

from tallystick.core.session.moves import GUARDS, MOVES, Move, State

ROOT = Path(__file__).resolve().parent.parent
MOVES_PAGE = ROOT / "docs" / "reference" / "moves.md"

_HEAD = """# Moves of a session

*What can happen to a session, what does it write, and what may leave afterwards?*

<!-- Written by tools/moves_reference.py from src/tallystick/core/session/moves.py; a test compares. -->

A session is absent, live or ended, and ended is for ever. Time ends a session by itself: "expired" is a question to the
clock. An ending compares no version, so it cannot lose a race; every other move does, so of two that race one is decided
again. Nothing is handed out before the commit that makes it true.
"""
_WHAT = {
    Move.OPEN: "a sign-in, or a client that is opened from a browser's session",
    Move.STEP_UP: "one more authentication of the same person, with a new cookie",
    Move.ALLOW: "a client is granted more",
    Move.MINT: "an access token, from a cookie or a service's own key",
    Move.ROTATE: "the current refresh token is traded",
    Move.REPEAT: "its predecessor comes again within the grace: the identical successor",
    Move.REUSE: "an older refresh token comes back",
    Move.REVOKE: "a sign-out, an administrator, a replaced or crowded-out session",
    Move.EXPIRE: "its time is over",
}


def _drawing() -> list[str]:
    arrows: dict[tuple[State, State], list[str]] = {}
    for move, rule in MOVES.items():
        arrows.setdefault((rule.before, rule.after), []).append(move.value)
    return [f"{one.value:>7} ── {', '.join(moves)} ──▶ {two.value}" for (one, two), moves in arrows.items()]


def moves_page() -> str:
    """Gives the text of the page: the drawing, the table of moves, the guards of a refresh in their order."""
    rows = [_HEAD, "```", *_drawing(), "```", "", "## The table", ""]
    rows += [
        "| move | when | from | to | writes | log entries | may leave after the commit |",
        "|---|---|---|---|---|---|---|",
    ]
    for move, rule in MOVES.items():
        leaves = ", ".join(rule.delivers) or "nothing"
        rows.append(
            f"| `{move.value}` | {_WHAT[move]} | {rule.before.value} | {rule.after.value} | {rule.writes} "
            f"| {rule.logs} | {leaves} |"
        )
    rows += ["", "## Guards of a refresh", "", "They are asked in this order; the first that holds names the move.", ""]
    rows += ["| | guard | move |", "|---|---|---|"]
    for number, (guard, named) in enumerate(GUARDS, 1):
        move_text = f"`{named.value}`" if named is not None else "none: refused, and nothing ends"
        rows.append(f"| {number} | {guard.value} | {move_text} |")
    return "\n".join(rows) + "\n"


def main() -> int:
    """Writes the page, or with `--check` exits 1 if it differs from the code."""
    wanted = moves_page()
    there = MOVES_PAGE.read_text() if MOVES_PAGE.exists() else ""
    if wanted == there:
        return 0
    if "--check" in sys.argv[1:]:
        print(f"{MOVES_PAGE.relative_to(ROOT)} differs from the code: run tools/moves_reference.py", file=sys.stderr)
        return 1
    MOVES_PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
