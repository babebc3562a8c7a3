"""Which connection goes when there are too many, or when one takes too long."""

from __future__ import annotations

from typing import cast

import pytest

from tallystick.server.connections import HEAD_S, PER_PEER, WAITING_TO_CLOSE_S, Connections, Patient

KEEP_ALIVE_S = 65.0
PROXY = "10.0.0.7"


class Line:
    """A connection that is told what to do, and notes it.

    Args:
        peer: its other end.
    """

    def __init__(self, peer: str = "192.0.2.1") -> None:
        self.peer = peer
        self.aborted = self.given_up = False
        self.late_after = HEAD_S

    @property
    def transport(self) -> Line:
        """Itself: it notes what is done to its transport."""
        return self

    def abort(self) -> None:
        """Notes it."""
        self.aborted = True

    def give_up(self) -> None:
        """Notes it."""
        self.given_up = True

    def is_late(self, since: float, now: float) -> bool:
        """Tells whether it has waited too long."""
        return now - since >= self.late_after


def taken_in(all_of_them: Connections, *lines: Line) -> None:
    """Opens connections, one a second."""
    for at, line in enumerate(lines):
        all_of_them.opened(cast("Patient", line), line.peer, float(at))


def test_the_one_that_has_waited_longest_makes_place() -> None:
    """With room for ten, the eleventh is taken in and the oldest that waits goes; one that is being answered stays."""
    all_of_them = Connections(lambda _: True, 10)
    lines = [Line(f"192.0.2.{number}") for number in range(12)]
    taken_in(all_of_them, *lines[:10])
    all_of_them.waiting.pop(cast("Patient", lines[0]))
    taken_in(all_of_them, *lines[10:])
    assert [line.aborted for line in lines[:4]] == [False, True, True, False]
    assert not any(line.aborted for line in lines[4:])
    assert all_of_them.evicted == 2


def test_where_all_are_being_answered_the_new_one_goes() -> None:
    """Nobody who is being answered is disturbed, not even when there is no place left."""
    all_of_them = Connections(lambda _: True, 10)
    lines = [Line(f"192.0.2.{number}") for number in range(11)]
    taken_in(all_of_them, *lines[:10])
    all_of_them.waiting.clear()
    taken_in(all_of_them, lines[10])
    assert [line.aborted for line in lines] == [False] * 10 + [True]


@pytest.mark.parametrize("peer", ["192.0.2.1", PROXY])
def test_one_address_holds_its_part_and_a_listed_proxy_all(peer: str) -> None:
    """Beyond an eighth of all, an address competes with itself; behind a listed proxy many come."""
    all_of_them = Connections(PROXY.__eq__, 20 * PER_PEER)
    stranger = Line("198.51.100.1")
    lines = [Line(peer) for _ in range(22)]
    taken_in(all_of_them, stranger, *lines)
    assert sum(line.aborted for line in lines) == (0 if peer == PROXY else 2)
    assert [line.aborted for line in lines[:2]] == [peer != PROXY] * 2
    assert not stranger.aborted


def test_late_ones_are_given_up_and_others_are_not() -> None:
    """A look closes those whose time is over, whatever stands before them, and aborts what does not close."""
    all_of_them = Connections(lambda _: True, 100)
    idle, late, young = Line(), Line(), Line()
    idle.late_after = KEEP_ALIVE_S
    taken_in(all_of_them, idle, late)
    all_of_them.opened(cast("Patient", young), young.peer, HEAD_S)
    all_of_them.look(HEAD_S + 1)
    assert (idle.given_up, late.given_up, young.given_up) == (False, True, False)
    all_of_them.closing(cast("Patient", late), HEAD_S + 1)
    all_of_them.look(HEAD_S + WAITING_TO_CLOSE_S)
    assert not late.aborted
    all_of_them.look(HEAD_S + WAITING_TO_CLOSE_S + 1)
    assert late.aborted
    all_of_them.look(KEEP_ALIVE_S)
    assert idle.given_up
    for line in (idle, late, young):
        all_of_them.closed(cast("Patient", line), line.peer)
    assert not all_of_them.waiting
