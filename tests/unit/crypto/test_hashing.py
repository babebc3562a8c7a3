"""The hashing pool: bounded, off the loop, the same for everybody."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from threading import Event
from typing import Any

import pytest

from tallystick.crypto import hashing
from tallystick.crypto.hashing import HashingPool
from tallystick.crypto.slow_hashes import hash_password
from tallystick.errors import Misconfigured, Overloaded, Unavailable
from tallystick.identity.password import PasswordParameters

CHEAP = PasswordParameters(memory_kib=8, time_cost=1, parallelism=1)
PASSWORD = "seven notches on a hazel stick"
OLD, NEW = bytes(range(32)), bytes(range(1, 33))


async def closing(pool: HashingPool, *work: Coroutine[Any, Any, Any]) -> list[Any]:
    """Awaits work one after the other, then closes the pool."""
    try:
        return [await one for one in work]
    finally:
        await pool.close()


def test_what_was_hashed_verifies() -> None:
    """The right password is True, a wrong one and a missing account are False."""
    pool = HashingPool(CHEAP)
    stored = hash_password(PASSWORD, CHEAP, None)
    work = pool.verify(PASSWORD, stored), pool.verify("x", stored), pool.verify(PASSWORD, None), pool.hash(PASSWORD)
    right, wrong, nobody, hashed = asyncio.run(closing(pool, *work))
    assert (right, wrong, nobody) == (True, False, False)
    assert hashed.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert not pool.needs_rehash(hashed)
    assert pool.inside == 0


def test_a_missing_account_never_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the hash that stands in for it were matched by a miracle, there is nobody to sign in."""
    monkeypatch.setattr(hashing, "matches", lambda *_: True)
    pool = HashingPool(CHEAP)
    assert asyncio.run(closing(pool, pool.verify(PASSWORD, None))) == [False]


def test_a_pool_that_was_closed_starts_again() -> None:
    """Closing twice does no harm, and the next hash starts new threads."""
    pool = HashingPool(CHEAP, slots=1)
    for _ in range(2):
        assert asyncio.run(closing(pool, pool.verify("x", None), pool.close(), pool.close())) == [False, None, None]


def test_peppers_change_without_locking_anybody_out() -> None:
    """Hashes of the old pepper, and of none, verify and are made anew; those of the new one stay."""
    pool = HashingPool(CHEAP, pepper=[NEW, OLD])
    stored = [hash_password(PASSWORD, CHEAP, pepper) for pepper in (None, OLD, NEW)]
    assert asyncio.run(closing(pool, *(pool.verify(PASSWORD, one) for one in stored))) == [True, True, True]
    assert [pool.needs_rehash(one) for one in stored] == [True, True, False]
    single = HashingPool(CHEAP, pepper=NEW)
    hashed, right = asyncio.run(closing(single, single.hash(PASSWORD), single.verify(PASSWORD, stored[2])))
    assert right
    assert not single.needs_rehash(hashed)


def test_a_hash_that_cannot_be_verified_here_is_our_trouble() -> None:
    """A missing pepper and a kind that is not read answer 503, never that the password is wrong."""
    pool = HashingPool(CHEAP)
    for stored in (hash_password(PASSWORD, CHEAP, OLD), "5f4dcc3b5aa765d61d8327deb882cf99"):
        with pytest.raises(Unavailable) as raised:
            asyncio.run(closing(pool, pool.verify(PASSWORD, stored)))
        assert stored not in str(raised.value)
    assert pool.inside == 0


def test_beyond_the_queue_nothing_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one at work and one waiting the third is refused at once, and told when to come again."""
    gate, done = Event(), []

    def slow(password: str, *_: object) -> str:
        assert gate.wait(10)
        done.append(password)
        return password

    monkeypatch.setattr(hashing, "hash_password", slow)
    pool = HashingPool(CHEAP, slots=1, queue=1)

    async def story() -> None:
        first, second = (asyncio.ensure_future(pool.hash(name)) for name in ("first", "second"))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded) as refused:
            await pool.hash("third")
        assert refused.value.retry_after_s >= 1
        assert pool.inside == pool.capacity == 2
        gate.set()
        assert await asyncio.gather(first, second) == ["first", "second"]
        assert await pool.hash("fourth") == "fourth"
        await pool.close()

    asyncio.run(story())
    assert done == ["first", "second", "fourth"]
    assert pool.inside == 0


def test_a_caller_that_goes_away_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that was given up while it waited is never hashed, and its place is free at once."""
    gate, done = Event(), []

    def slow(password: str, *_: object) -> str:
        assert gate.wait(10)
        done.append(password)
        return password

    monkeypatch.setattr(hashing, "hash_password", slow)
    pool = HashingPool(CHEAP, slots=1, queue=1)

    async def story() -> None:
        first, second = (asyncio.ensure_future(pool.hash(name)) for name in ("first", "second"))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert pool.inside == 1
        gate.set()
        assert await first == "first"
        await pool.close()

    asyncio.run(story())
    assert done == ["first"]


def test_the_loop_runs_on_while_passwords_are_hashed() -> None:
    """Hashing happens on other threads: the loop turns many times during one hash."""
    pool = HashingPool(PasswordParameters(), slots=1)

    async def story() -> int:
        hashing_now = asyncio.ensure_future(pool.hash(PASSWORD))
        turns = 0
        while not hashing_now.done():
            turns += 1
            await asyncio.sleep(0.001)
        await pool.close()
        return turns

    assert asyncio.run(story()) > 1


def test_workers_share_the_processors_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slots are the host's processors divided by its workers, at least one; 64 may wait for each."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert [HashingPool(CHEAP, workers=n).slots for n in (1, 2, 3, 8, 20)] == [8, 4, 2, 1, 1]
    assert HashingPool(CHEAP, workers=2).capacity == 4 + 4 * 64
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert HashingPool(CHEAP, workers=2).slots == 3
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert HashingPool(CHEAP).slots == 1


def test_the_child_of_a_fork_starts_threads_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was forked from one that hashed does not wait for threads that it does not have."""
    pool = HashingPool(CHEAP, slots=1)
    assert asyncio.run(pool.verify("x", None)) is False
    parents = pool._executor
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert asyncio.run(closing(pool, pool.verify("x", None))) == [False]
    assert parents is not None
    parents.shutdown()
    assert pool.inside == 0


def test_no_right_to_be_nice_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system forbids threads to step back, and where it knows no such thing, hashing works all the same."""

    def forbidden(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", forbidden)
    hashing._yield_to_the_loop()
    monkeypatch.setattr("sys.platform", "darwin")
    hashing._yield_to_the_loop()


@pytest.mark.parametrize(
    "settings",
    [{"workers": 0}, {"slots": 0}, {"queue": -1}, {"pepper": b"short"}, {"pepper": [OLD, OLD]}, {"pepper": [b""]}],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    """A pepper has 32 bytes, and there is at least one thread."""
    with pytest.raises(Misconfigured):
        HashingPool(CHEAP, **settings)
