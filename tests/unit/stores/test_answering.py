"""How a follower's place relates to a log."""

from __future__ import annotations

import pytest

from tallystick.core.revocation.entry import GENESIS, ORIGIN, Position
from tallystick.stores.answering import Head, Relation, relate

FOLLOWS = Relation(forked=False, below_tail=False)
FORKED = Relation(forked=True, below_tail=False)
BELOW = Relation(forked=False, below_tail=True)
BOTH = Relation(forked=True, below_tail=True)
H, T, S = b"h" * 16, b"t" * 16, b"s" * 16
HEAD = Head(Position(5, 9), H, Position(5, 4), T, ORIGIN)
WHOLE = Head(Position(5, 9), H, Position(5, 0), GENESIS, ORIGIN)


@pytest.mark.parametrize(
    ("applied", "chain", "head", "stored", "expected"),
    [
        (Position(5, 9), H, HEAD, None, FOLLOWS),
        (Position(5, 9), S, HEAD, None, FORKED),
        (Position(5, 7), S, HEAD, S, FOLLOWS),
        (Position(5, 7), T, HEAD, S, FORKED),
        (Position(5, 7), S, HEAD, None, FORKED),
        (Position(5, 10), H, HEAD, None, FORKED),
        (Position(5, 4), T, HEAD, None, FOLLOWS),
        (Position(5, 4), S, HEAD, None, FORKED),
        (Position(5, 3), S, HEAD, None, BELOW),
        (Position(5, 3), S, HEAD, S, BELOW),
        (Position(5, 3), S, HEAD, T, BOTH),
        (Position(5, 0), GENESIS, WHOLE, None, FOLLOWS),
        (Position(5, 0), S, WHOLE, None, FORKED),
        (Position(5, 0), GENESIS, HEAD, None, BELOW),
        (Position(4, 99), S, HEAD, None, BELOW),
        (Position(4, 99), S, HEAD, S, BELOW),
        (Position(4, 99), S, HEAD, T, BOTH),
        (Position(6, 0), GENESIS, HEAD, None, BOTH),
        (ORIGIN, GENESIS, HEAD, None, BELOW),
    ],
)
def test_a_place_follows_or_forks_or_is_below_the_tail(
    applied: Position, chain: bytes, head: Head, stored: bytes | None, expected: Relation
) -> None:
    """A follower goes on only from an entry that this log has, with the chain that it has, above its tail."""
    assert relate(applied, chain, head, stored) == expected
    assert expected.follows is (expected == FOLLOWS)
