"""Refresh, every interleaving: one winner, identical successors, late reuse ends the session, a stranger ends nothing."""

from __future__ import annotations

import pytest

from tests.model.explorer import explore
from tests.model.refresh import RefreshModel

MISTAKES = (
    "two_statement_rotation",
    "successor_per_replay",
    "replay_until_used",
    "wrong_binding_ends_session",
    "strict_single_use",
)


@pytest.mark.parametrize("third", ["thief", "stranger"])
def test_refresh_has_one_winner_in_every_interleaving(third: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Two tabs, lost answers, and a thief or a stranger never break the rules of a refresh."""
    explored = explore(
        RefreshModel(last_instant=2, generations=2, with_thief=third == "thief", with_stranger=third == "stranger")
    )
    with capsys.disabled():
        print(f"\nrefresh with a {third}: {explored}")
    assert explored.broken is None, str(explored)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("instants", "thief", "stranger"),
    [(4, True, False), (4, False, True), (2, True, True)],
    ids=["thief", "stranger", "both"],
)
def test_refresh_has_one_winner_in_a_larger_scope(instants: int, thief: bool, stranger: bool) -> None:
    """The same over three generations and more instants, and with both at once."""
    model = RefreshModel(last_instant=instants, generations=3 if not (thief and stranger) else 2, with_thief=thief,
                         with_stranger=stranger)  # fmt: skip
    explored = explore(model, states_max=8_000_000)
    assert explored.broken is None, str(explored)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_explorer_finds_the_mistake(mistake: str) -> None:
    """Each known mistake about refresh tokens leads to a story that breaks a rule."""
    explored = explore(RefreshModel(mistake, last_instant=3, generations=2))
    assert explored.broken is not None, f"{mistake} was not found in {explored.states} states"
    assert explored.story
