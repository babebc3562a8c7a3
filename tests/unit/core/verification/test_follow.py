"""The follower in good times: start, beats, leases, acks."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from tallystick.core.revocation.entry import Ending, Kind, Position, place
from tallystick.core.verification.steps import (
    Ack,
    Acked,
    Failed,
    Open,
    Opened,
    Register,
    Registered,
    SendBeat,
    Wait,
    Waited,
)
from tests.unit.core.revocation.views import SESSION, Mark
from tests.unit.core.verification.virtual import EPOCH, Virtual

END = Ending(Kind.SESSION, SESSION)
OLD = Mark(Position(1, 0))


def test_it_starts_in_order() -> None:
    """Open, register, snapshot, beat: only then is there a lease."""
    one = Virtual()
    one.tell(Waited())
    while not isinstance(one.action, Wait):
        assert one.verdict(OLD) == "lease.lapsed"
        one.tell(one.perform())
    assert one.done == ["Open", "Register", "TakeSnapshot", "SendBeat"]
    assert one.verdict(OLD) == "good"


def test_the_lease_counts_from_the_moment_the_beat_was_sent() -> None:
    """However long the answer takes, the lease ends a lease's time after the question."""
    one = Virtual()
    beat = one.until_beat()
    answer = one.log.answer(beat.beat)
    one.now += 2.5
    one.tell(answer)
    assert one.follower.deadline == 103.0
    assert one.leased
    one.now += 0.5
    assert one.verdict(OLD) == "lease.lapsed"


def test_an_answer_that_comes_after_its_lease_gives_none() -> None:
    """An answer that was on its way for longer than the lease lets nothing pass."""
    one = Virtual()
    answer = one.log.answer(one.until_beat().beat)
    one.now += 3.0
    one.tell(answer)
    assert not one.leased


def test_beats_go_on_and_the_lease_with_them() -> None:
    """While the log answers, there is always a lease; a beat goes out each second."""
    one = Virtual().until_wait()
    one.run(10)
    assert one.leased
    assert one.done.count("SendBeat") in (10, 11, 12)
    assert one.follower.beats == one.done.count("SendBeat")


def test_news_ends_the_wait_at_once() -> None:
    """When something is committed, the follower looks without waiting for its next beat."""
    one = Virtual().until_wait()
    one.log.append(END)
    assert one.verdict(OLD) == "good"
    one.until_wait(Waited())
    assert one.now == 100.0
    assert one.verdict(OLD) == "session.ended"
    assert [entry.ending for entry in one.follower.news] == [END]


def test_what_happened_before_the_start_is_known() -> None:
    """The first lease comes with everything that the snapshot and the tail hold."""
    one = Virtual()
    one.log.append(END)
    one.until_wait()
    assert one.verdict(OLD) == "session.ended"


def test_more_than_fits_gives_no_lease_yet() -> None:
    """A follower that is behind reads on, page by page, before it trusts itself again."""
    one = Virtual().until_wait()
    one.log.page = 2
    for _ in range(5):
        one.log.append(END)
    deadline = one.follower.deadline
    one.now += 0.5
    one.tell(Waited())
    for pages in (1, 2):
        one.tell(one.perform())
        assert one.follower.applied == Position(1, 2 * pages)
        assert one.follower.deadline == deadline
        assert isinstance(one.action, SendBeat)
    one.until_wait(one.perform())
    assert one.follower.deadline == 103.5


def test_an_ack_is_given_when_somebody_waits_for_it() -> None:
    """An ending for everywhere is acked at once, after it is applied; an ordinary one is not."""
    one = Virtual().until_wait()
    one.log.append(END)
    one.until_wait()
    assert "Ack" not in one.done
    wanted = one.log.append(END, everywhere=True)
    one.tell(Waited())
    one.tell(one.perform())
    assert one.action == Ack("v", wanted)
    assert wanted <= one.follower.applied
    one.until_wait(one.perform())
    assert one.log.rows["v"] == wanted
    assert one.follower.acked == wanted
    one.until_wait()
    assert one.done.count("Ack") == 1


def test_an_ack_comes_after_the_lease_has_moved() -> None:
    """Entries, applied, deadline, ack: nobody is told of what a reader could still miss."""
    one = Virtual().until_wait()
    one.log.append(END, everywhere=True)
    one.now += 0.5
    one.tell(Waited())
    one.tell(one.perform())
    assert isinstance(one.action, Ack)
    assert one.follower.deadline == 103.5


@pytest.mark.parametrize("lose", ["row", "trust"])
def test_a_verifier_that_is_not_registered_gets_no_lease(lose: str) -> None:
    """Whose row is gone or doubted registers anew before it is trusted again."""
    one = Virtual().until_wait()
    if lose == "row":
        one.log.rows.clear()
    else:
        one.log.doubted.add("v")
    one.now += 1.0
    one.tell(Waited())
    one.tell(one.perform())
    assert one.action == Register("v")
    assert one.follower.deadline == 103.0
    one.until_wait(one.perform())
    assert one.follower.deadline == 104.0
    assert "v" in one.log.rows


def test_an_ack_without_a_row_registers_anew() -> None:
    """When an ack finds no row, the verifier registers, and acks what is still wanted."""
    one = Virtual().until_wait()
    wanted = one.log.append(END, everywhere=True)
    one.tell(Waited())
    one.tell(one.perform())
    one.log.rows.clear()
    one.tell(one.perform())
    assert one.action == Register("v")
    one.until_wait(one.perform())
    assert one.log.rows["v"] == wanted


def test_a_beat_that_was_sent_before_the_row_was_written_gives_no_lease() -> None:
    """Register, commit, then the first beat: an older question does not count."""
    one = Virtual().until_wait()
    one.now += 1.0
    beat = one.until_beat()
    answer = one.log.answer(beat.beat)
    one.tell(Registered())
    one.tell(answer)
    assert one.follower.deadline == 103.0


def test_only_the_answer_to_the_latest_beat_extends_the_lease() -> None:
    """A late answer to an older beat brings its entries, but no lease."""
    one = Virtual().until_wait()
    one.now += 1.0
    late = one.until_beat()
    one.log.append(END)
    late_answer = one.log.answer(late.beat)
    one.now += 1.0
    latest = one.until_beat()
    one.tell(late_answer)
    assert one.verdict(OLD) == "session.ended"
    assert one.follower.deadline == 103.0
    one.tell(one.log.answer(latest.beat))
    assert one.follower.deadline == 105.0
    one.tell(one.log.answer(latest.beat))
    assert one.follower.deadline == 105.0


def test_a_late_answer_does_not_take_back_what_is_known() -> None:
    """An answer that was overtaken neither repeats its entries nor looks like a fork."""
    one = Virtual().until_wait()
    first = one.until_beat()
    one.log.append(END)
    overtaken = one.log.answer(first.beat)
    one.log.append(END)
    one.until_wait()
    applied = one.follower.applied
    one.tell(overtaken)
    assert one.follower.applied == applied
    assert not one.follower.is_forked
    assert one.leased


def test_a_late_answer_that_does_not_fit_is_ignored() -> None:
    """Entries with a gap before them, or from another epoch, are not applied from an answer that proves nothing."""
    one = Virtual().until_wait()
    answer = one.log.answer(one.until_beat().beat)
    gap = replace(answer, nonce=b"old", entries=(place(bytes(16), Position(1, 7), END, 1),))
    one.tell(gap)
    one.tell(replace(gap, head=Position(2, 7)))
    one.tell(replace(gap, forked=True))
    assert one.follower.applied == Position(1, 0)
    assert not one.follower.is_forked


def test_an_older_answer_never_shortens_a_lease() -> None:
    """The deadline only moves forward while nothing is in doubt."""
    one = Virtual().until_wait()
    one.follower.deadline = 200.0
    one.until_wait()
    assert one.follower.deadline == 200.0


def test_a_failure_is_tried_again_soon_then_later() -> None:
    """The first retry comes within 50 ms, and none is further away than a beat."""
    one = Virtual().until_wait()
    waits = []
    for _ in range(12):
        waits.append(one.fail().timeout_s)
        one.now += waits[-1]
        assert one.tell(Waited()) == Open()
    assert waits[0] == pytest.approx(0.05 * 0.75)
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(0.75)
    one.until_wait(one.perform())
    assert one.follower.failures == 0
    assert one.leased


def test_a_call_does_not_shorten_a_retry() -> None:
    """While the log is out of order, nobody's call makes the follower hammer it."""
    one = Virtual().until_wait()
    wait = one.fail()
    assert one.tell(Waited()) == wait


def test_a_lease_outlives_a_failure_but_not_its_time() -> None:
    """A log that cannot be reached costs nothing for the rest of the lease, and everything after it."""
    one = Virtual().until_wait()
    one.now += 1
    one.until_beat()
    one.fail()
    assert one.verdict(OLD) == "good"
    one.now += 2
    assert one.verdict(OLD) == "lease.lapsed"


def test_the_constants_come_from_the_log() -> None:
    """Lease and beat are what the log header says."""
    one = Virtual()
    one.staleness = replace(one.staleness, lease_s=0.9, beat_s=0.2)
    one.until_wait()
    assert one.follower.deadline == pytest.approx(100.9)
    assert one.action == Wait(pytest.approx(0.2))


def test_who_leaves_gives_the_lease_back_first() -> None:
    """At a clean shutdown nothing is accepted from the moment the row may go."""
    one = Virtual().until_wait()
    one.follower.leave()
    assert one.verdict(OLD) == "lease.lapsed"


def test_the_state_is_plain_data() -> None:
    """A copy goes its own way."""
    one = Virtual().until_wait()
    two = copy.deepcopy(one)
    two.log.append(END)
    two.until_wait()
    assert two.verdict(OLD) == "session.ended"
    assert one.verdict(OLD) == "good"
    assert hash(one.follower.index.frozen()) != hash(two.follower.index.frozen())


def test_the_wall_clock_can_be_had_from_the_boot_clock() -> None:
    """Times in tokens are judged by the ratchet of the wall clock, which never goes back."""
    one = Virtual().until_wait()
    assert one.now + one.follower.offset == pytest.approx(EPOCH + 100)
    one.skew = -0.2
    one.until_wait()
    assert one.now + one.follower.offset == pytest.approx(EPOCH + 100)


def test_what_is_old_is_forgotten_by_the_clock() -> None:
    """After the retention an entry leaves the memory, and what it covered is outdated."""
    one = Virtual()
    one.log.append(END)
    one.until_wait()
    one.run(one.staleness.retention_s * 1.2)
    assert len(one.follower.index) == 0
    assert one.verdict(OLD) == "credential.outdated"
    assert one.verdict(Mark(Position(1, 1))) == "good"


def test_a_snapshot_that_nobody_waits_for_is_ignored() -> None:
    """A fold that comes twice, after more was heard, neither takes anything back nor looks like a fork."""
    one = Virtual()
    snapshot = one.log.snapshot_now()
    one.log.append(END)
    one.until_wait()
    one.tell(snapshot)
    assert one.follower.applied == Position(1, 1)
    assert not one.follower.is_forked
    assert one.leased


def test_an_answer_to_nothing_is_harmless() -> None:
    """Events that nobody asked for change nothing for the worse."""
    one = Virtual().until_wait()
    answer = one.log.answer(one.until_beat().beat)
    one.tell(answer)
    one.tell(answer)
    one.tell(Acked(Position(1, 0), known=True))
    one.tell(Opened(one.staleness))
    one.tell(Failed())
    assert one.leased
