"""The wait for an ending to be true everywhere."""

from __future__ import annotations

from tallystick.core.revocation.entry import ORIGIN, Position
from tallystick.core.verification.everywhere import Everywhere

P, LATER = Position(1, 5), Position(1, 9)
LS = 3.3


def test_it_is_done_when_everybody_has_acked() -> None:
    """Every registered verifier's ack ends the wait; the result names when each came."""
    waiting = Everywhere.begin(P, 100.0, {"a": ORIGIN, "b": P, "c": ORIGIN}, LS)
    assert waiting.missing == ("a", "c")
    assert not waiting.done(100.0)
    waiting = waiting.heard({"a": LATER, "b": P, "c": ORIGIN}, 100.5)
    assert (waiting.missing, waiting.done(101.0)) == (("c",), False)
    waiting = waiting.heard({"a": LATER, "c": P}, 101.0)
    assert waiting.done(101.0)
    assert waiting.acked == {"b": 0.0, "a": 0.5, "c": 1.0}
    assert waiting.worst_s == 1.0


def test_it_is_done_after_the_bound_at_the_latest() -> None:
    """Whatever a verifier does, the wait ends when no lease of before the append is left."""
    waiting = Everywhere.begin(P, 100.0, {"a": ORIGIN}, LS)
    assert not waiting.done(103.2)
    assert waiting.done(103.31)
    assert waiting.missing == ("a",)
    assert waiting.worst_s == 0.0


def test_nobody_is_forgotten() -> None:
    """A verifier whose row goes away, or who acks something older, is waited for all the same."""
    waiting = Everywhere.begin(P, 100.0, {"a": ORIGIN}, LS)
    assert waiting.heard({}, 101.0) == waiting
    assert waiting.heard({"a": Position(1, 4)}, 101.0).missing == ("a",)


def test_who_comes_later_is_not_waited_for() -> None:
    """Who registers after the append has the entry from its first beat on."""
    assert Everywhere.begin(P, 100.0, {}, LS).heard({"late": ORIGIN}, 100.1).done(100.1)
