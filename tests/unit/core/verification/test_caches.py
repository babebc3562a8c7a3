"""The two caches: they save work, never a check, and are bounded."""

from __future__ import annotations

import pytest

from tallystick.core.credentials.view import CookieFill, SessionView
from tallystick.core.revocation.entry import Position
from tallystick.core.secret import Digest
from tallystick.core.verification.bounded import Bounded
from tallystick.core.verification.near_cache import NearCache, Nothing
from tallystick.core.verification.token_cache import TokenCache
from tallystick.errors import CredentialMalformed
from tests.unit.core.revocation.views import CLIENT, PRINCIPAL, SESSION

VIEW = SessionView(SESSION, PRINCIPAL, CLIENT, frozenset(), Position(1, 1), "cookie", 2000)
COOKIE, OTHER = Digest.of("a"), Digest.of("b")
FILL, MISSING = CookieFill(Position(1, 1), 2000, VIEW), CookieFill(Position(1, 1), 0, None, "missing")


def test_what_is_used_is_kept() -> None:
    """When room is needed, what nobody asked for lately goes first."""
    memory: Bounded[int, str] = Bounded(2)
    for key in range(1, 5):
        assert memory.get(1) in (None, "1")
        memory.put(key, str(key))
    assert memory.get(1) == "1"
    assert memory.get(2) is None
    assert len(memory) <= 4


def test_the_memory_is_bounded() -> None:
    """However much is put in, twice the half is the most that is kept."""
    memory: Bounded[int, int] = Bounded(10)
    for key in range(1000):
        memory.put(key, key)
        memory.put(key, key)
        assert len(memory) <= 20
    memory.drop(999)
    assert memory.get(999) is None
    memory.clear()
    assert len(memory) == 0


def test_a_token_is_found_until_its_time_is_over() -> None:
    """A token that was verified once is known again, and not a second longer than it lives."""
    cache = TokenCache()
    cache.keep("a.b.c", VIEW)
    assert cache.find("a.b.c", 1999.9) is VIEW
    assert cache.find("a.b.c", 2000.0) is None
    assert cache.find("a.b.d", 0.0) is None
    assert len(cache) == 1
    cache.flush()
    assert cache.find("a.b.c", 0.0) is None


def test_a_token_of_the_older_half_is_found() -> None:
    """A token stays known while newer ones fill the cache."""
    cache = TokenCache(half=1)
    cache.keep("old", VIEW)
    cache.keep("new", VIEW)
    assert cache.find("old", 0.0) is VIEW


@pytest.mark.parametrize("token", [None, b"a.b.c", 5, "a.\ud800.c"])
def test_what_is_no_text_is_malformed(token: object) -> None:
    """Something else than a text of Unicode is refused, not looked up."""
    with pytest.raises(CredentialMalformed):
        TokenCache().find(token, 0.0)  # type: ignore[arg-type]


def test_a_view_is_good_until_the_store_says_so() -> None:
    """The store's own instant ends a memory, judged by the wall clock."""
    near = NearCache()
    near.fill(COOKIE, FILL, 100.0, 60, near.era)
    assert near.find(COOKIE, 101.0, 1999.9) is VIEW
    assert near.find(COOKIE, 101.0, 2000.0) is None
    assert len(near) == 1


def test_a_view_dies_a_lifetime_after_its_read_was_sent() -> None:
    """However long the answer took, the memory is counted from the question."""
    near = NearCache()
    near.fill(COOKIE, FILL, 100.0, 60, near.era)
    assert near.find(COOKIE, 159.9, 1000) is VIEW
    assert near.find(COOKIE, 160.0, 1000) is None


def test_nothing_is_remembered_for_five_seconds() -> None:
    """A digest that stands for nothing is not asked for again at once."""
    near = NearCache()
    near.fill(COOKIE, MISSING, 100.0, 60, near.era)
    assert near.find(COOKIE, 104.9, 1000) == Nothing("missing")
    assert near.find(COOKIE, 105.0, 1000) is None
    assert near.find(OTHER, 100.0, 1000) is None


def test_a_newer_answer_replaces_an_older_one() -> None:
    """A session that ended is nothing from then on, and a cookie that came to stand for one is found."""
    near = NearCache()
    near.fill(COOKIE, FILL, 100.0, 60, near.era)
    near.fill(COOKIE, MISSING, 101.0, 60, near.era)
    assert near.find(COOKIE, 102.0, 1000) == Nothing("missing")
    near.fill(COOKIE, FILL, 103.0, 60, near.era)
    assert near.find(COOKIE, 104.0, 1000) is VIEW
    near.drop(COOKIE)
    assert near.find(COOKIE, 104.0, 1000) is None


def test_an_answer_of_another_era_is_not_kept() -> None:
    """What was asked before everything was forgotten does not come back with a late answer."""
    near = NearCache()
    era = near.era
    near.fill(OTHER, FILL, 100.0, 60, era)
    near.flush()
    near.fill(COOKIE, FILL, 100.0, 60, era)
    assert near.find(COOKIE, 101.0, 1000) is None
    assert near.find(OTHER, 101.0, 1000) is None


def test_without_a_lifetime_nothing_is_kept() -> None:
    """A deployment that wants no memory of cookies has none."""
    near = NearCache()
    near.fill(COOKIE, FILL, 100.0, 0, near.era)
    assert near.find(COOKIE, 100.0, 1000) is None


def test_a_view_of_the_older_half_is_found() -> None:
    """A cookie stays known while newer ones fill the cache."""
    near = NearCache(half=1)
    near.fill(COOKIE, FILL, 100.0, 60, near.era)
    near.fill(OTHER, FILL, 100.0, 60, near.era)
    assert near.find(COOKIE, 101.0, 1000) is VIEW
