"""The contract of the log: beats, forks, pages, acks, who is registered, and the doubt that finds the dead."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.core.keys.lifecycle import KeyState
from tallystick.core.revocation import feed
from tallystick.core.revocation.entry import EVERYTHING, GENESIS, Kind, Position
from tallystick.core.revocation.feed import Answer, Beat, Log, Snapshot
from tallystick.core.session.decision import Append, EndSession
from tallystick.errors import Unavailable
from tallystick.ports import PutKeys
from tallystick.testing.clock import FakeClock
from tallystick.testing.contract_base import Contract
from tallystick.testing.stage import STALENESS, Stage, a_key, session_id

NONCE = bytes(16)
ME = "verifier-me"


@asynccontextmanager
async def following(stage: Stage) -> AsyncIterator[Log]:
    """Gives an open log of the stage's store."""
    log = stage.store.log()
    assert log.open() == STALENESS
    try:
        yield log
    finally:
        log.close()


def beat(log: Log, at: Snapshot | Answer, *, applied: Position | None = None, chain: bytes | None = None) -> Answer:
    """Beats from where a snapshot or an answer left a follower, or from another place."""
    stands, hashed = (at.position, at.chain) if isinstance(at, Snapshot) else (at.head, at.head_chain)
    return log.beat(Beat(ME, 1, NONCE, applied or stands, hashed if chain is None else chain, stands))


class Logs(Contract):
    """What a follower is told."""

    async def test_a_beat_tells_what_is_new(self, stage: Stage) -> None:
        """The answer names the head and carries every entry after what was applied; a second beat has nothing new."""
        async with following(stage) as log:
            start = log.snapshot()
            assert (start.position, start.chain, start.entries) == (await stage.store.head(), GENESIS, ())
            await stage.commit(EndSession(session_id("s"), "revoked"), Append(EVERYTHING))
            answer = beat(log, start)
            assert answer.entries == tuple(await stage.store.log_page(start.position, 10))
            assert (answer.head, answer.head_chain) == (answer.entries[-1].position, answer.entries[-1].chain)
            assert (answer.nonce, answer.more, answer.forked, answer.below_tail) == (NONCE, False, False, False)
            again = beat(log, answer)
            assert (again.entries, again.head, again.forked) == ((), answer.head, False)

    async def test_a_beat_from_the_middle_gets_the_rest(self, stage: Stage) -> None:
        """A follower that stands at an older entry gets what comes after it."""
        async with following(stage) as log:
            start = log.snapshot()
            for name in ("a", "b", "c"):
                await stage.cut(Kind.CLIENT, name)
            first = (await stage.store.log_page(start.position, 1))[0]
            answer = beat(log, start, applied=first.position, chain=first.chain)
            assert [entry.ending.name for entry in answer.entries] == ["b", "c"]

    async def test_a_page_has_an_end(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where there is more than one answer carries, it says so, and the next beat goes on from there."""
        import sys

        for module in [m for name, m in sys.modules.items() if name.startswith("tallystick.stores")]:
            if hasattr(module, "PAGE_ENTRIES_MAX"):
                monkeypatch.setattr(module, "PAGE_ENTRIES_MAX", 2)
        assert feed.PAGE_ENTRIES_MAX > 2
        async with following(stage) as log:
            start = log.snapshot()
            await stage.commit(*(Append(EVERYTHING) for _ in range(3)))
            page = beat(log, start)
            assert (len(page.entries), page.more) == (2, True)
            last = page.entries[-1]
            rest = beat(log, page, applied=last.position, chain=last.chain)
            assert (len(rest.entries), rest.more) == (1, False)

    @pytest.mark.parametrize("where", ["ahead", "another chain", "a newer epoch", "another beginning"])
    async def test_another_log_is_noticed(self, stage: Stage, where: str) -> None:
        """A follower that knows what this log does not know is told of the fork and gets no entries."""
        await stage.cut(Kind.CLIENT, "a")
        async with following(stage) as log:
            start = log.snapshot()
            await stage.cut(Kind.CLIENT, "b")
            (epoch, seq), chain = start.position, start.chain
            place: tuple[Position, bytes] = {
                "ahead": (Position(epoch, seq + 9), chain),
                "another chain": (Position(epoch, seq), b"x" * 16),
                "a newer epoch": (Position(epoch + 1, 0), GENESIS),
                "another beginning": (Position(epoch, 0), b"x" * 16),
            }[where]
            answer = beat(log, start, applied=place[0], chain=place[1])
            assert (answer.forked, answer.entries) == (True, ())

    async def test_a_new_epoch_answers_a_fork(self, stage: Stage) -> None:
        """After recovery everything is cut, positions go on in a higher epoch, and an old follower takes a snapshot."""
        await stage.account()
        app = await stage.open(await stage.an_app())
        async with following(stage) as log:
            start = log.snapshot()
            log.register(ME)
            highest = Position(start.position.epoch, start.position.seq + 7)
            head = await stage.store.recover(highest)
            assert head == (max(highest.epoch + 1, stage.now), 1) == await stage.store.head()
            assert await stage.store.recover(highest) == head
            log.open()
            answer = beat(log, start)
            assert (answer.below_tail, answer.entries, answer.registered) == (True, (), False)
            snapshot = log.snapshot()
            assert (snapshot.position, snapshot.floor) == (head, head)
            assert (await stage.store.facts_of_session(app.id)).cuts.everything == head
            assert await stage.store.sessions_of(app.principal) == []
            await stage.cut(Kind.CLIENT, "after")
            assert [entry.ending.name for entry in beat(log, snapshot).entries] == ["after"]

    async def test_a_snapshot_folds(self, stage: Stage) -> None:
        """A snapshot holds what still matters up to the head; entries for everything become its floor."""
        await stage.commit(Append(EVERYTHING), EndSession(session_id("s"), "revoked"))
        await stage.cut(Kind.CLIENT, "c")
        last = await stage.cut(Kind.CLIENT, "c")
        async with following(stage) as log:
            snapshot = log.snapshot()
            assert snapshot.position == last.position
            assert [entry.ending.name for entry in snapshot.entries] == [session_id("s"), "c"]
            assert snapshot.floor.seq == 1

    async def test_registered_is_who_registered(self, stage: Stage) -> None:
        """A verifier is known from its registration on, and until it deregisters."""
        async with following(stage) as log:
            start = log.snapshot()
            assert not beat(log, start).registered
            log.register(ME)
            assert beat(log, start).registered
            assert await stage.store.registry() == {ME: (0, 0)}
            log.deregister(ME)
            assert not beat(log, start).registered
            assert await stage.store.registry() == {}

    async def test_an_ack_is_a_watermark(self, stage: Stage) -> None:
        """An ack is kept, never goes back, and is refused when the row is gone."""
        async with following(stage) as log:
            log.register(ME)
            assert log.ack(ME, Position(1, 5))
            assert log.ack(ME, Position(1, 3))
            assert await stage.store.registry() == {ME: (1, 5)}
            assert not log.ack("stranger", Position(1, 5))

    async def test_an_ack_is_wanted_for_everywhere(self, stage: Stage) -> None:
        """A commit `everywhere`, and a later wish, ask every verifier to ack; never for what the log does not have."""
        async with following(stage) as log:
            start = log.snapshot()
            logged = await stage.cut(Kind.CLIENT, "a")
            assert beat(log, start).ack_wanted < logged.position
            wanted = await stage.commit(EndSession(session_id("s"), "revoked"), everywhere=True)
            assert beat(log, start).ack_wanted == wanted.position
            await stage.store.want_acks(logged.position)
            assert beat(log, start).ack_wanted == wanted.position
            await stage.store.want_acks(Position(wanted.position.epoch, wanted.position.seq + 1))
            assert beat(log, start).ack_wanted == wanted.position
            later = await stage.cut(Kind.CLIENT, "b")
            await stage.store.want_acks(later.position)
            assert beat(log, start).ack_wanted == later.position

    async def test_who_is_doubted_must_register_again(self, stage: Stage) -> None:
        """A doubted verifier is told that it is not registered, stays in the registry, and is whole once it registers."""
        async with following(stage) as log:
            start = log.snapshot()
            log.register(ME)
            await stage.store.doubt([ME, "stranger"])
            assert not beat(log, start).registered
            assert ME in await stage.store.registry()
            log.register(ME)
            assert beat(log, start).registered
            stage.clock.pass_time(10 * STALENESS.bound_s)
            assert ME in await stage.store.registry()

    async def test_the_dead_are_not_waited_for(self, stage: Stage) -> None:
        """A verifier that stays doubted for longer than its lease can last leaves the registry, not earlier."""
        async with following(stage) as log:
            log.register("dead")
            await stage.store.doubt(["dead"])
            stage.clock.pass_time(STALENESS.bound_s)
            assert "dead" in await stage.store.registry()
            stage.clock.pass_time(0.01)
            assert await stage.store.registry() == {}
            await stage.store.sweep(stage.now, STALENESS.retention_s)
            assert not log.ack("dead", Position(1, 1))

    async def test_a_sweeper_asks_before_it_removes(self, stage: Stage) -> None:
        """The sweeper doubts who has been silent, and removes only who does not register again in time."""
        async with following(stage) as log:
            start = log.snapshot()
            log.register(ME)
            log.register("dead")
            sweep = (stage.now, STALENESS.retention_s)
            await stage.store.sweep(*sweep)
            assert beat(log, start).registered
            stage.clock.pass_time(60)
            await stage.store.sweep(*sweep)
            assert not beat(log, start).registered
            log.register(ME)
            stage.clock.pass_time(60)
            await stage.store.sweep(*sweep)
            assert list(await stage.store.registry()) == [ME]
            assert not log.ack("dead", Position(1, 1))

    async def test_a_wait_ends_with_a_commit(self, stage: Stage) -> None:
        """Whoever waits from a version on returns at the first commit after it, also one from before the wait."""
        async with following(stage) as log:
            version = log.version()
            await stage.cut(Kind.CLIENT, "a")
            log.wait(version, 60)
            assert log.version() != version

    async def test_a_wait_ends_when_woken_and_when_its_time_is_over(self, stage: Stage) -> None:
        """A wake from another thread ends a wait at once; without one it ends by its time-out."""
        async with following(stage) as log:
            log.wait(log.version(), 0.02)
            waker = threading.Timer(0.02, log.wake)
            waker.start()
            log.wait(log.version(), 60)
            waker.join()

    async def test_a_commit_wakes_followers_of_its_process(self, stage: Stage) -> None:
        """An ending reaches a waiting follower of the same process by itself."""
        log = stage.store.log()
        opened, seen = threading.Event(), list[Answer]()

        def follow() -> None:
            log.open()
            start, version = log.snapshot(), log.version()
            opened.set()
            log.wait(version, 60)
            seen.append(beat(log, start))
            log.close()

        follower = asyncio.create_task(asyncio.to_thread(follow))
        await asyncio.to_thread(opened.wait, 60)
        await stage.cut(Kind.CLIENT, "a")
        await asyncio.wait_for(follower, 60)
        assert [entry.ending.name for entry in seen[0].entries] == ["a"]

    async def test_the_key_set_is_what_is_published(self, stage: Stage) -> None:
        """The log gives the public halves of the keys that may verify, and no others."""
        retired = replace(a_key("old", KeyState.RETIRED), retired_at=5)
        await stage.commit(PutKeys((a_key("new"), retired), 0))
        async with following(stage) as log:
            assert log.key_set() == b'{"keys":[{"kid":"new"}]}'

    async def test_a_log_waits_for_its_store(self, tmp_path: Path) -> None:
        """A follower that comes before the store was ever opened is told to come again, and may close and open anew."""
        clock = FakeClock()
        store = self.site(tmp_path, clock)()
        log = store.log()
        with pytest.raises(Unavailable):
            log.open()
        await store.open(STALENESS)
        try:
            for _ in range(2):
                assert log.open() == STALENESS
                log.close()
        finally:
            await store.close()
