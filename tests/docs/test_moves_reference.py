"""The page of moves says what the tables say."""

from __future__ import annotations

from tallystick.core.session.moves import GUARDS, MOVES
from tools.moves_reference import MOVES_PAGE, moves_page


def test_the_page_of_moves_is_the_one_that_the_tables_give() -> None:
    """`docs/reference/moves.md` is what the tables of moves say."""
    assert MOVES_PAGE.read_text() == moves_page()


def test_every_move_and_every_guard_has_its_row() -> None:
    """A move or a guard that is added to the tables cannot be missing from the page."""
    page = MOVES_PAGE.read_text()
    assert all(f"\n| `{move.value}` | " in page for move in MOVES)
    assert all(f"\n| {number} | {guard.value} | " in page for number, (guard, _) in enumerate(GUARDS, 1))
