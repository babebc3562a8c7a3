"""Which verifiers are dead, by what one process saw on its own clock."""

from __future__ import annotations

from tallystick.core.revocation.entry import ORIGIN
from tallystick.ports import Registered
from tallystick.stores.doubts import ASK_AFTER_S, Doubts
from tallystick.testing.clock import FakeClock

LS = 3.3


def row(times: int = 1, *, doubted: bool = False) -> Registered:
    """Describes a verifier's row."""
    return Registered("v", times, doubted, ORIGIN)


def test_who_stays_doubted_for_longer_than_the_bound_is_dead() -> None:
    """The time counts from when this process saw the doubt, not from the registration."""
    clock = FakeClock()
    doubts = Doubts(clock.boot)
    doubts.see([row()])
    clock.pass_time(100)
    doubts.see([row(doubted=True)])
    clock.pass_time(LS)
    assert doubts.dead([row(doubted=True)], LS) == []
    clock.pass_time(0.001)
    assert doubts.dead([row(doubted=True)], LS) == [row(doubted=True)]


def test_who_registers_again_lives() -> None:
    """A new registration, even one that is doubted again, begins a new count."""
    clock = FakeClock()
    doubts = Doubts(clock.boot)
    doubts.see([row(doubted=True)])
    clock.pass_time(100)
    assert doubts.dead([row(2)], LS) == []
    doubts.see([row(2, doubted=True)])
    assert doubts.dead([row(2, doubted=True)], LS) == []


def test_who_was_not_seen_before_is_not_dead() -> None:
    """A row that this process reads for the first time may have been doubted just now."""
    clock = FakeClock()
    assert Doubts(clock.boot).dead([row(doubted=True)], LS) == []
    assert Doubts(clock.boot).to_ask([row()]) == []


def test_who_is_silent_is_asked() -> None:
    """A verifier that has not registered for a while is doubted, once."""
    clock = FakeClock()
    doubts = Doubts(clock.boot)
    doubts.see([row()])
    assert doubts.to_ask([row()]) == []
    clock.pass_time(ASK_AFTER_S)
    doubts.see([row()])
    assert doubts.to_ask([row()]) == ["v"]
    assert doubts.to_ask([row(doubted=True)]) == []
    assert doubts.to_ask([row(2)]) == []
