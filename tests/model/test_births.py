"""Birth and opening, every interleaving."""

from __future__ import annotations

import pytest

from tests.model.birth import BirthModel
from tests.model.explorer import explore
from tests.model.opening import OpeningModel


def test_no_session_outlives_a_cut_that_came_after_what_it_rests_on(capsys: pytest.CaptureFixture[str]) -> None:
    """A sign-in, a password change and an administrator's cut may interleave as they like."""
    explored = explore(BirthModel())
    with capsys.disabled():
        print(f"\nbirth: {explored}")
    assert explored.broken is None, str(explored)


@pytest.mark.parametrize("mistake", ["born_late", "kept_not_reborn", "wall_clock_cut"])
def test_the_explorer_finds_the_mistake_about_birth(mistake: str) -> None:
    """Each known mistake about birth leads to a story that breaks a rule."""
    explored = explore(BirthModel(mistake))
    assert explored.broken is not None, f"{mistake} was not found in {explored.states} states"


def test_what_is_opened_ends_with_what_it_was_opened_from(capsys: pytest.CaptureFixture[str]) -> None:
    """Opening, refreshing, signing out, cutting and the clock may interleave as they like."""
    explored = explore(OpeningModel())
    with capsys.disabled():
        print(f"\nopening: {explored}")
    assert explored.broken is None, str(explored)


@pytest.mark.parametrize(
    "mistake",
    [
        "opened_listed_before_commit",
        "opened_rotates_past_ending",
        "opened_outlives_the_others_clock",
        "opened_slips_past_ending",
        "born_from_the_other",
    ],
)
def test_the_explorer_finds_the_mistake_about_opening(mistake: str) -> None:
    """Each known mistake about opening a session from a session leads to a story that breaks a rule."""
    explored = explore(OpeningModel(mistake))
    assert explored.broken is not None, f"{mistake} was not found in {explored.states} states"
