"""The contract of forgetting: what goes, what stays, and that nobody notices."""

from __future__ import annotations

from dataclasses import replace

from tallystick.core.revocation.entry import ORIGIN, Ending, Kind
from tallystick.core.revocation.feed import Beat
from tallystick.core.session.decision import Append, OpenSession, UpdateSession
from tallystick.identity.throttle import Attempts
from tallystick.stores.limits import SESSIONS_AT_ONCE
from tallystick.testing.contract_base import Contract
from tallystick.testing.stage import STALENESS, Stage, session_id

R = STALENESS.retention_s


class Sweeping(Contract):
    """What a sweep forgets."""

    async def test_a_session_is_forgotten_long_after_its_end(self, stage: Stage) -> None:
        """A row stays until its hard end is longer ago than the retention, ended or not; then it goes with what is bound."""
        await stage.account()
        browser = await stage.open(await stage.a_browser())
        bound = await stage.open(await stage.an_app("bound"), opener=browser)
        unbound = await stage.open(await stage.an_app("unbound"), opener=browser, bound=False)
        await stage.close_session(browser)
        at = browser.hard_end_at + R
        await stage.store.sweep(at, R)
        assert (await stage.session(browser.id)).ended is not None
        assert (await stage.session(bound.id)).ended is not None
        assert await stage.store.sweep(at + 1, R) == 2
        assert await stage.store.sweep(at + 1, R) == 0
        for gone in (browser, bound):
            assert (await stage.store.facts_of_session(gone.id)).session is None
        assert await stage.session(unbound.id) == unbound

    async def test_who_signs_in_again_is_kept_for_longer(self, stage: Stage) -> None:
        """Signing in again as the same person restarts the absolute clock, and with it the time of forgetting."""
        await stage.account()
        row = await stage.open(await stage.a_browser())
        again = replace(row, opened_at=row.opened_at + 3600, active_at=row.opened_at + 3600)
        await stage.commit(UpdateSession(again))
        await stage.store.sweep(row.hard_end_at + R + 1, R)
        assert await stage.session(row.id) == replace(again, version=2)
        await stage.store.sweep(again.hard_end_at + R + 1, R)
        assert (await stage.store.facts_of_session(row.id)).session is None

    async def test_a_sweep_is_bounded(self, stage: Stage) -> None:
        """One call removes only so many rows, so that nobody waits long for it; the next call goes on."""
        row = await stage.a_browser()
        names = [session_id(f"{number}") for number in range(SESSIONS_AT_ONCE + 1)]
        await stage.commit(*(OpenSession(replace(row, id=name)) for name in names))
        after = row.hard_end_at + R + 1
        assert [await stage.store.sweep(after, R) for _ in range(3)] == [SESSIONS_AT_ONCE, 1, 0]

    async def test_the_tail_of_the_log_is_forgotten_without_a_gap(self, stage: Stage) -> None:
        """Old entries go and the tail moves up to them: a follower from before it takes a snapshot, one at it goes on."""
        old = await stage.commit(Append(Ending(Kind.CLIENT, "a")), Append(Ending(Kind.CLIENT, "b")))
        log = stage.store.log()
        log.open()
        start, kept_s = log.snapshot(), max(2 * R, 600)
        first = old.revocations[0]
        stage.clock.pass_time(kept_s)
        young = await stage.cut(Kind.CLIENT, "c")
        assert await stage.store.sweep(stage.now, R) == 0
        assert await stage.store.sweep(stage.now + 1, R) == 2
        assert await stage.store.log_page(ORIGIN, 10) == list(young.revocations)
        below = log.beat(Beat("me", 1, bytes(16), first.position, first.chain, ORIGIN))
        assert (below.below_tail, below.forked, below.entries) == (True, False, ())
        at = log.beat(Beat("me", 2, bytes(16), start.position, start.chain, ORIGIN))
        assert (at.below_tail, at.forked, at.entries) == (False, False, young.revocations)
        assert log.snapshot().floor == start.position
        contradicted = log.beat(Beat("me", 3, bytes(16), start.position, b"x" * 16, ORIGIN))
        assert contradicted.forked
        log.close()

    async def test_lost_keys_and_cuts_are_never_forgotten(self, stage: Stage) -> None:
        """The entry for a key stays in the log, and every durable cut counts for ever."""
        account = await stage.account()
        app = await stage.open(await stage.an_app())
        key = await stage.cut(Kind.KEY, "k")
        cut = await stage.cut(Kind.PRINCIPAL, account.id)
        stage.clock.pass_time(10 * R)
        await stage.store.sweep(stage.now, R)
        assert await stage.store.log_page(ORIGIN, 10) == list(key.revocations)
        assert (await stage.store.facts_of_session(app.id)).cuts.principal == cut.position
        assert await stage.store.head() == cut.position
        log = stage.store.log()
        log.open()
        assert [entry.ending.name for entry in log.snapshot().entries] == ["k"]
        log.close()

    async def test_a_young_entry_keeps_what_comes_after_it(self, stage: Stage) -> None:
        """An entry whose instant is ahead, by a clock that jumped, holds the tail until its time; nothing after it goes."""
        stage.clock.pass_time(5000)
        await stage.cut(Kind.CLIENT, "ahead")
        ahead = stage.now
        await stage.store.commit((Append(Ending(Kind.CLIENT, "behind")),), now=ahead - 5000)
        assert await stage.store.sweep(ahead + 1, R) == 0
        assert len(await stage.store.log_page(ORIGIN, 10)) == 2

    async def test_decayed_attempts_are_forgotten(self, stage: Stage) -> None:
        """A counter goes when time has taken all of its failures back, not before."""
        await stage.store.count("few", lambda _: Attempts(1, stage.now))
        await stage.store.count("many", lambda _: Attempts(50, stage.now))
        assert await stage.store.sweep(stage.now + 3600, R) == 0
        assert await stage.store.sweep(stage.now + 3 * 3600, R) == 1
        assert await stage.store.attempts(["few", "many"]) == [Attempts(), Attempts(50, stage.now)]
