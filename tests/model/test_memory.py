"""What a verifier remembers: fills that come late, entries that are forgotten, logs that lose what they acknowledged."""

from __future__ import annotations

import pytest

from tests.model.caching import CacheModel
from tests.model.explorer import explore
from tests.model.fork import ForkModel


@pytest.mark.parametrize("floor", [True, False])
def test_no_fill_resurrects_a_session(floor: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """A fill may come late and an entry may be forgotten; an ended session stays ended, by retention as by the floor."""
    explored = explore(CacheModel(floor=floor))
    with capsys.disabled():
        print(f"\nnear-cache{'' if floor else ' without a floor'}: {explored}")
    assert explored.broken is None, str(explored)


@pytest.mark.parametrize("mistake", ["evict_on_arrival", "short_retention", "cache_on_another_clock"])
def test_the_explorer_finds_the_mistake_about_caching(mistake: str) -> None:
    """Each known mistake about the near-cache leads to a story in which an ended session is accepted."""
    explored = explore(CacheModel(mistake))
    assert explored.broken is not None, f"{mistake} was not found in {explored.states} states"


@pytest.mark.parametrize("restored", [True, False])
def test_a_log_that_lost_entries_lets_nobody_in(restored: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """A backup that is put back, or a position that is given again, is found before anybody relies on it."""
    explored = explore(ForkModel(restored=restored))
    with capsys.disabled():
        print(f"\n{'restore' if restored else 'failover'}: {explored}")
    assert explored.broken is None, str(explored)


@pytest.mark.parametrize("mistake", ["restore_silently", "seq_only_cursor"])
def test_the_explorer_finds_the_mistake_about_forks(mistake: str) -> None:
    """Each known mistake about forks leads to a story in which an ending is never heard of."""
    explored = explore(ForkModel(mistake, restored=mistake == "restore_silently"))
    assert explored.broken is not None, f"{mistake} was not found in {explored.states} states"
