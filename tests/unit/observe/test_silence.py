"""Which verifiers answer, told from readings of the registry alone."""

from __future__ import annotations

import json
import math

from tallystick.core.revocation.entry import ORIGIN
from tallystick.observe import catalogue as of
from tallystick.observe import silence
from tallystick.observe.silence import ANSWER_S, ASK_AGAIN_S, ASKED_AT_ONCE, REMEMBERED, REMEMBERED_S, Watch
from tallystick.ports import Registered

NAME = "export-0123456789abcdef"


def row(name: str = NAME, times: int = 1, *, doubted: bool = False) -> Registered:
    """Gives a row of the registry."""
    return Registered(name, times, doubted, ORIGIN)


def states(watch: Watch, now: float) -> dict[tuple[str, ...], object]:
    """Gives what the page says of verifiers."""
    return {key: value for key, value in silence.readings_of(watch, now)[of.VERIFIERS].items() if value}


def asked_at(now: float) -> Watch:
    """Gives what is known of one verifier that was asked at an instant and has not answered."""
    watch = silence.looked(Watch({}), [row()], now)
    watch = silence.asked(watch, silence.to_ask(watch, now), now)
    return silence.looked(watch, [row(doubted=True)], now)


def test_one_that_registers_again_answers() -> None:
    """Whoever registers again after it was asked is answering."""
    watch = silence.looked(asked_at(100), [row(times=2)], 100.1)
    assert states(watch, 100.1) == {("export", "answering"): 1}
    assert not silence.is_waited_for(watch, 100.1)


def test_one_that_owes_an_answer_for_long_is_silent() -> None:
    """It is waited for until ANSWER_S has passed, and silent from then on, however often the page is read."""
    watch = asked_at(100)
    assert silence.is_waited_for(watch, 100 + ANSWER_S - 0.01)
    assert states(watch, 100 + ANSWER_S - 0.01) == {("export", "answering"): 1}
    later = silence.looked(watch, [row(doubted=True)], 160)
    assert not silence.is_waited_for(later, 160)
    assert states(later, 160) == {("export", "silent"): 1}
    assert silence.readings_of(later, 160)[of.VERIFIER_SILENT] == {(NAME,): 60}
    assert silence.to_ask(later, 160) == []


def test_one_that_comes_back_answers_again() -> None:
    """A verifier that was stopped and goes on is answering, and was never lost."""
    watch = silence.looked(silence.looked(asked_at(100), [row(doubted=True)], 160), [row(times=2)], 161)
    assert states(watch, 161) == {("export", "answering"): 1}
    assert watch.lost == 0


def test_one_that_was_doubted_by_others_owes_its_answer_from_when_that_is_seen() -> None:
    """A row that somebody else doubted is given the same time to answer."""
    watch = silence.looked(Watch({}), [row(doubted=True)], 100)
    assert states(watch, 100.1) == {("export", "answering"): 1}
    assert states(watch, 100 + ANSWER_S) == {("export", "silent"): 1}


def test_one_that_fell_silent_and_was_swept_is_remembered_for_a_while() -> None:
    """It stays on the page as silent for a quarter of an hour, and counts as lost once."""
    watch = silence.looked(asked_at(100), [], 200)
    assert (watch.lost, states(watch, 200)) == (1, {("export", "silent"): 1})
    watch = silence.looked(watch, [], 300)
    assert (watch.lost, states(watch, 300)) == (1, {("export", "silent"): 1})
    watch = silence.looked(watch, [], 200 + REMEMBERED_S)
    assert (watch.lost, states(watch, 200 + REMEMBERED_S)) == (1, {})


def test_one_that_left_in_order_is_not_lost() -> None:
    """A row that goes away while it owes nothing is gone from the page at once."""
    watch = silence.looked(silence.looked(Watch({}), [row()], 100), [], 101)
    assert (watch.lost, watch.verifiers) == (0, {})


def test_nobody_is_asked_more_often_than_declared() -> None:
    """A second reading within the rest waits for it, and asks nobody before."""
    watch = silence.looked(asked_at(100), [row(times=2)], 100.1)
    assert silence.to_ask(watch, 100.1) == []
    assert math.isclose(silence.rest_s(watch, 100.1), ASK_AGAIN_S - 0.1)
    assert silence.rest_s(watch, 100 + ASK_AGAIN_S) == 0
    assert silence.to_ask(watch, 100 + ASK_AGAIN_S) == [NAME]
    assert silence.rest_s(watch, 5) <= ASK_AGAIN_S
    assert silence.to_ask(watch, 5) == [NAME], "a boot clock that began anew asks"


def test_a_crowd_is_asked_in_turns() -> None:
    """No scrape asks more than a hundred verifiers, and those come first that were not asked for longest."""
    rows = [row(f"v{n:03}-0123456789abcdef") for n in range(ASKED_AT_ONCE + 20)]
    watch = silence.looked(Watch({}), rows, 100)
    first = silence.to_ask(watch, 100)
    assert len(first) == ASKED_AT_ONCE
    second = silence.to_ask(silence.asked(watch, first, 100), 101)
    assert set(second[:20]) == {one.name for one in rows} - set(first)


def test_the_memory_of_the_lost_is_bounded() -> None:
    """However many fall silent and go, a hundred are remembered, and all are counted."""
    rows = [row(f"v{n:03}-0123456789abcdef", doubted=True) for n in range(3 * REMEMBERED)]
    watch = silence.looked(silence.looked(Watch({}), rows, 100), [], 200)
    assert (watch.lost, len(watch.verifiers)) == (3 * REMEMBERED, REMEMBERED)


def test_a_note_is_read_as_it_was_written() -> None:
    """What is known survives the file between the processes; what is no note is an empty one."""
    watch = silence.looked(asked_at(100), [row(doubted=True), row("other-0123456789abcdef")], 101)
    assert silence.parsed(json.loads(json.dumps(silence.noted(watch)))) == watch
    for nonsense in (None, [], {"verifiers": 1}, {"verifiers": {"a": [1], "b": ["x", 1, 1, 1]}, "lost": 0}):
        assert silence.parsed(nonsense).verifiers == {}
