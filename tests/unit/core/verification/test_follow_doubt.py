"""The follower in doubt: forks, restores, clocks that jump."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallystick.core.revocation.entry import Ending, Kind, Position, place
from tallystick.core.verification.follow import Follower
from tallystick.core.verification.steps import Failed, TakeSnapshot, Tick, Wait, Waited
from tests.unit.core.revocation.views import OTHER, SESSION, Mark
from tests.unit.core.verification.virtual import Virtual

END, END_OTHER = Ending(Kind.SESSION, SESSION), Ending(Kind.SESSION, OTHER)
OLD = Mark(Position(1, 0))


def started(entries: int = 3) -> Virtual:
    """A follower with a lease, on a log with some entries."""
    one = Virtual()
    for _ in range(entries):
        one.log.append(END)
    return one.until_wait()


def hear(one: Virtual, **changed: object) -> None:
    """Sends a beat and lets its answer differ from what the log says."""
    answer = one.log.answer(one.until_beat().beat)
    one.tell(replace(answer, **changed))  # type: ignore[arg-type]


def test_a_log_that_lost_entries_is_not_followed() -> None:
    """A log whose head is before what was heard has lost something: nobody trusts it in that epoch again."""
    one = started()
    del one.log.entries[1:]
    one.until_wait()
    assert one.follower.is_forked
    assert one.verdict(OLD) == "lease.lapsed"
    one.run(20)
    assert not one.leased


def test_a_log_that_gave_a_position_twice_is_found_by_its_chain() -> None:
    """Another entry at a position that was heard before is noticed, though no number is missing."""
    one = started()
    del one.log.entries[1:]
    one.log.append(END_OTHER)
    one.log.append(END_OTHER)
    one.until_wait()
    assert one.follower.is_forked
    assert not one.leased


@pytest.mark.parametrize(
    "changed",
    [
        {"forked": True},
        {"head": Position(1, 2)},
        {"head_chain": b"x" * 16},
        {"head": Position(1, 5), "entries": (place(bytes(16), Position(1, 5), END, 1),)},
        {"head": Position(1, 4), "entries": (place(b"y" * 16, Position(1, 4), END, 1),)},
        {"head": Position(2, 1), "entries": (place(bytes(16), Position(2, 1), END, 1),)},
    ],
    ids=["said so", "head before applied", "other chain", "a gap", "broken chain", "new epoch"],
)
def test_each_contradiction_takes_the_lease(changed: dict[str, object]) -> None:
    """Whatever in an answer contradicts what was heard before ends the lease at once."""
    one = started()
    hear(one, **changed)
    assert one.follower.is_forked
    assert not one.leased
    assert one.follower.barred_epoch == 1


def test_a_head_that_was_not_reached_gives_no_lease() -> None:
    """An answer that names a head but does not bring everything up to it is no proof of being up to date."""
    one = started()
    one.now += 1
    hear(one, head=Position(1, 4), entries=())
    assert one.follower.deadline == 103.0
    assert not one.follower.is_forked


def test_a_forked_follower_goes_on_to_report_what_it_saw() -> None:
    """Beats go on, so that the log can learn the highest position that anybody has seen."""
    one = started()
    seen = one.follower.applied
    del one.log.entries[1:]
    one.until_wait()
    one.now += 1
    assert one.until_beat().beat.applied == seen
    assert one.now <= 102


def test_a_restored_log_is_followed_in_its_new_epoch_after_the_bound() -> None:
    """A higher epoch is followed once LS has passed; what was known before is kept, what was lost stays ended."""
    one = started()
    one.log.append(END_OTHER)
    one.until_wait()
    found_at = one.now
    one.log.restore(epoch=7, keep=1)
    one.log.rows.clear()
    one.run(3.0)
    assert one.follower.is_forked
    era = one.follower.era
    one.run(2.0)
    assert one.leased
    assert one.now > found_at + one.staleness.bound_s
    assert one.follower.applied == Position(7, 1)
    assert one.follower.era == era + 1
    assert "v" in one.log.rows
    assert one.verdict(Mark(Position(1, 4), id=OTHER)) == "session.ended"
    assert one.verdict(Mark(Position(7, 1), id=OTHER)) == "session.ended"
    assert one.verdict(Mark(Position(1, 4), id=OTHER.of(b"n" * 16))) == "credential.outdated"
    assert one.verdict(Mark(Position(7, 1), id=OTHER.of(b"n" * 16))) == "good"


def test_a_snapshot_of_a_barred_epoch_is_not_taken() -> None:
    """Even when a log offers the old epoch as a snapshot, no lease is taken in it."""
    one = started()
    old = one.log.snapshot_now()
    hear(one, forked=True)
    one.now += 5
    hear(one, head=Position(7, 1))
    assert one.action == TakeSnapshot()
    one.tell(old)
    assert one.follower.is_forked
    one.run(10)
    assert not one.leased


def test_a_snapshot_from_before_what_was_seen_is_a_fork() -> None:
    """After a fresh start of the memory, an older log is still found out by the highest position seen."""
    one = started()
    one.skew = -120.0
    del one.log.entries[1:]
    one.until_wait()
    assert one.follower.is_forked
    assert one.follower.applied == Position(1, 3)
    one.run(10)
    assert not one.leased


def test_a_follower_below_the_tail_begins_with_a_snapshot() -> None:
    """A log that no longer has what comes next gives a fold instead; until then there is no new lease."""
    one = started()
    one.log.append(END_OTHER)
    one.now += 1
    hear(one, below_tail=True, entries=())
    assert one.action == TakeSnapshot()
    assert one.follower.deadline == 103.0
    one.until_wait(one.perform())
    assert one.follower.deadline == 104.0
    assert one.verdict(Mark(Position(1, 0), id=OTHER)) == "session.ended"


def test_a_token_from_beyond_the_head_means_that_the_log_lost_something() -> None:
    """A good signature over a position that a later beat says does not exist is believed more than the log."""
    one = started()
    one.follower.heed(Position(1, 9), one.now)
    one.now += 1
    one.until_wait()
    assert one.follower.is_forked
    assert one.follower.beyond is None


def test_a_token_from_ahead_is_no_cause_for_alarm() -> None:
    """A token minted after the last beat is ahead of the index, and the next beat confirms it."""
    one = started()
    one.follower.heed(Position(1, 4), one.now)
    one.follower.heed(Position(1, 99), one.now)
    one.log.append(END_OTHER)
    one.now += 1
    one.until_wait()
    assert one.leased
    assert one.follower.beyond is None


def test_only_a_beat_sent_after_the_token_was_seen_counts() -> None:
    """An answer that was on its way when the token came says nothing about it."""
    one = started()
    answer = one.log.answer(one.until_beat().beat)
    one.now += 0.1
    one.follower.heed(Position(1, 4), one.now)
    one.tell(answer)
    assert not one.follower.is_forked
    assert one.follower.beyond is not None


@pytest.mark.parametrize("step", [0.3, -0.3, 30.0, -30.0])
def test_a_step_between_the_clocks_takes_the_lease(step: float) -> None:
    """A clock that jumps by more than a quarter of a second makes the follower ask at once before it trusts itself."""
    one = started()
    one.skew = step
    one.tell(Waited())
    assert not one.leased
    one.until_wait(one.perform())
    assert one.leased


def test_an_answer_from_before_a_step_gives_no_lease() -> None:
    """A machine that was frozen together with its boot clock does not count from before the frost."""
    one = started()
    answer = one.log.answer(one.until_beat().beat)
    one.skew = 300.0
    one.tell(answer)
    assert not one.leased


def test_small_corrections_of_the_clock_are_nothing() -> None:
    """A wall clock that is slewed, however far in the end, costs no lease."""
    one = started()
    for _ in range(30):
        one.skew += 0.2
        one.now += 0.5
        one.until_wait()
        assert one.leased


def test_a_process_that_was_stopped_has_no_lease_when_it_wakes() -> None:
    """After SIGSTOP the first look at the clock sees that the lease is over; the next beat brings it back."""
    one = started()
    one.now += 30
    assert one.verdict(OLD) == "lease.lapsed"
    one.until_wait()
    assert one.leased


def test_a_wall_clock_that_was_far_ahead_begins_anew() -> None:
    """A clock that falls back by more than a minute was wrong: caches and memory go, and the log is read again."""
    one = started()
    one.skew = 3600.0
    one.run(5)
    era, index = one.follower.era, one.follower.index
    one.skew = 0.0
    one.tell(Waited())
    assert one.follower.index is not index
    assert not one.leased
    assert one.follower.era == era + 1
    one.until_wait(one.perform())
    assert one.leased
    assert one.verdict(Mark(Position(1, 4))) == "session.ended"
    assert one.follower.applied == one.log.head


def test_a_wall_clock_a_little_ahead_is_waited_for() -> None:
    """Within a minute the ratchet stands still until the clock has caught up: no token lives longer for it."""
    one = started()
    one.skew = 30.0
    one.until_wait()
    ahead = one.now + one.follower.offset
    one.skew = 0.0
    one.run(5)
    assert one.now + one.follower.offset == pytest.approx(ahead, abs=2)
    assert one.leased


def test_a_call_does_not_hasten_a_retry() -> None:
    """Whoever wakes a follower that waits for its next try makes it wait on, so that trouble is not made worse."""
    one = Follower("v")
    noise = bytes(16) + b"\x80"
    one.step(Waited(), Tick(0.0, 1000.0, noise))
    resting = one.step(Failed(), Tick(0.0, 1000.0, noise))
    assert isinstance(resting, Wait)
    half_s = resting.timeout_s / 2
    assert one.step(Waited(), Tick(half_s, 1000.0 + half_s, noise)) == Wait(resting.timeout_s - half_s)
