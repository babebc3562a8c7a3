"""The check: clock first, index second."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tallystick.core.revocation.entry import Kind, Position
from tallystick.core.revocation.index import RevocationIndex, fold
from tallystick.core.verification.check import check
from tallystick.errors import CredentialOutdated, KeyUnknown, LeaseLapsed, SessionEnded
from tests.unit.core.revocation.views import Mark, entry

OLD = Mark(Position(1, 1))


@dataclass
class Held:
    """A memory that was heard of until 10.0."""

    index: RevocationIndex = field(default_factory=RevocationIndex)
    deadline: float = 10.0


def test_what_the_log_says_nothing_against_passes() -> None:
    """A good credential passes under a lease."""
    check(OLD, Held(), 9.999)


@pytest.mark.parametrize(
    ("kind", "error"),
    [(Kind.SESSION, SessionEnded), (Kind.ALL, CredentialOutdated), (Kind.KEY, KeyUnknown), (Kind.CLIENT, SessionEnded)],
)
def test_each_verdict_has_its_error(kind: Kind, error: type[Exception]) -> None:
    """What is covered is refused with the code of the reason."""
    with pytest.raises(error):
        check(OLD, Held(fold([entry(kind, 5)])), 9.0)


@pytest.mark.parametrize("now", [10.0, 11.0])
def test_without_a_lease_memory_says_nothing(now: float) -> None:
    """From the deadline on nothing is answered from memory, not even that a session has ended."""
    with pytest.raises(LeaseLapsed):
        check(OLD, Held(fold([entry(Kind.SESSION, 5)])), now)


class Sleeper:
    """A memory whose reader is stopped between the deadline and the index, while the follower begins anew."""

    def __init__(self) -> None:
        self._index = RevocationIndex()

    @property
    def deadline(self) -> float:
        """Reading it is the moment in which everything else happens."""
        self._index = fold([entry(Kind.SESSION, 5)])
        return 10.0

    @property
    def index(self) -> RevocationIndex:
        """The index as it is now."""
        return self._index


def test_the_index_is_read_after_the_deadline() -> None:
    """A thread that is stopped inside a check does not judge by what was known before its sleep."""
    with pytest.raises(SessionEnded):
        check(OLD, Sleeper(), 9.0)
