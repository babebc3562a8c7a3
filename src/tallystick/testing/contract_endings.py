"""The contract of endings: what ends what, with which entries, positions and cuts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallystick.core.policy import Clocks
from tallystick.core.revocation.entry import GENESIS, ORIGIN, Ending, Kind, Position, place
from tallystick.core.session.decision import Append, EndSession, OpenSession, UpdateSession
from tallystick.core.session.model import AppHolder, Ended
from tallystick.errors import Conflict
from tallystick.ports import PutAccount
from tallystick.testing.contract_base import Contract
from tallystick.testing.stage import Stage, principal_id, session_id


class Endings(Contract):
    """What ends, and what the log says of it."""

    async def test_an_ending_is_a_row_and_an_entry(self, stage: Stage) -> None:
        """Ending a session marks its row with instant, reason and position, and appends one entry for it."""
        await stage.account()
        row = await stage.open(await stage.a_browser())
        start = await stage.store.head()
        committed = await stage.close_session(row, "signed out")
        (entry,) = committed.revocations
        assert entry.ending == Ending(Kind.SESSION, row.id)
        assert entry.position == committed.position == (start.epoch, start.seq + 1) == await stage.store.head()
        assert committed.sessions == {}
        expected = replace(row, version=2, ended=Ended(stage.now, "signed out", committed.position))
        assert await stage.session(row.id) == expected

    async def test_entries_are_dense_and_chained(self, stage: Stage) -> None:
        """Each entry has the next number and the hash of everything before it."""
        await stage.account()
        row = await stage.open(await stage.a_browser())
        await stage.commit(
            EndSession(row.id, "revoked"),
            Append(Ending(Kind.PRINCIPAL, "p")),
            Append(Ending(Kind.KEY, "k")),
            Append(Ending(Kind.OUTDATED_ALL, "")),
        )
        stage.clock.pass_time(5)
        await stage.cut(Kind.CLIENT, "c")
        entries = await stage.store.log_page(ORIGIN, 10)
        chain, epoch = GENESIS, entries[0].position.epoch
        for seq, entry in enumerate(entries, 1):
            assert entry == place(chain, Position(epoch, seq), entry.ending, entry.appended_at)
            chain = entry.chain
        assert [entry.ending.kind for entry in entries] == [
            Kind.SESSION, Kind.PRINCIPAL, Kind.KEY, Kind.OUTDATED_ALL, Kind.CLIENT,
        ]  # fmt: skip
        assert [entry.appended_at for entry in entries] == [stage.now - 5] * 4 + [stage.now]
        assert await stage.store.log_page(entries[1].position, 2) == entries[2:4]

    async def test_ending_twice_is_ending_once(self, stage: Stage) -> None:
        """The second ending appends nothing, changes nothing, and is told the position of the first."""
        await stage.account()
        row = await stage.open(await stage.a_browser())
        first = await stage.close_session(row, "signed out")
        await stage.cut(Kind.CLIENT, "later")
        ended = await stage.session(row.id)
        stage.clock.pass_time(9)
        second = await stage.close_session(row, "reuse")
        assert (second.position, second.revocations) == (first.position, ())
        both = await stage.commit(EndSession(row.id, "revoked"), EndSession(row.id, "revoked"))
        assert both.revocations == ()
        assert await stage.session(row.id) == ended

    async def test_an_ending_compares_no_version(self, stage: Stage) -> None:
        """Whatever has happened to the row since somebody looked, it ends."""
        await stage.account()
        row = await stage.open(await stage.an_app())
        for _ in range(3):
            row = (await stage.commit(UpdateSession(row))).sessions[row.id]
        assert len((await stage.close_session(row)).revocations) == 1
        assert (await stage.session(row.id)).version == 5

    async def test_a_missing_session_gets_its_entry(self, stage: Stage) -> None:
        """Verifiers hear of the end of a session whose row is gone."""
        committed = await stage.commit(EndSession(session_id("gone"), "revoked"))
        assert [entry.ending for entry in committed.revocations] == [Ending(Kind.SESSION, session_id("gone"))]

    async def test_what_is_bound_ends_with_it(self, stage: Stage) -> None:
        """Every live session bound to an ended one ends in the same commit, one entry each; unbound ones live on."""
        await stage.account()
        browser = await stage.open(await stage.a_browser())
        bound = [await stage.open(await stage.an_app(name), opener=browser) for name in ("one", "two")]
        unbound = await stage.open(await stage.an_app("three"), opener=browser, bound=False)
        over = await stage.open(await stage.an_app("over"), opener=browser)
        await stage.close_session(over, "signed out")
        committed = await stage.close_session(browser)
        ended = [entry.ending.name for entry in committed.revocations]
        assert ended[0] == browser.id
        assert sorted(ended[1:]) == sorted(one.id for one in bound)
        assert committed.position == committed.revocations[-1].position
        for one in bound:
            found = await stage.session(one.id)
            assert found.ended is not None
            assert found.ended.because == "opener ended"
            assert found.ended.position == next(
                entry.position for entry in committed.revocations if entry.ending.name == one.id
            )
            assert found.version == one.version + 1
        assert await stage.session(unbound.id) == unbound

    async def test_theft_takes_the_unbound_along(self, stage: Stage) -> None:
        """With `offline`, what was opened from the session but not bound to it ends too, even if the session had ended."""
        await stage.account()
        browser = await stage.open(await stage.a_browser())
        unbound = await stage.open(await stage.an_app(), opener=browser, bound=False)
        await stage.close_session(browser, "signed out")
        committed = await stage.close_session(browser, offline=True)
        assert [entry.ending.name for entry in committed.revocations] == [unbound.id]
        assert (await stage.session(unbound.id)).ended is not None

    async def test_an_expiry_needs_no_entry(self, stage: Stage) -> None:
        """A session that only its clock ended is marked, with what is bound to it, and the log says nothing."""
        await stage.account()
        browser = await stage.open(await stage.a_browser())
        app = await stage.open(await stage.an_app(), opener=browser)
        head = await stage.store.head()
        committed = await stage.commit(EndSession(browser.id, "expired", logged=False))
        assert (committed.position, committed.revocations) == (head, ())
        for one in (browser, app):
            ended = (await stage.session(one.id)).ended
            assert ended is not None
            assert ended.position is None

    async def test_the_end_of_an_expired_session_is_logged(self, stage: Stage) -> None:
        """Revoking what only its clock had ended appends its entry once, for access tokens may still be about."""
        await stage.account()
        row = await stage.open(await stage.a_browser())
        await stage.commit(EndSession(row.id, "expired", logged=False))
        first = await stage.close_session(row)
        assert len(first.revocations) == 1
        second = await stage.close_session(row)
        assert (second.revocations, second.position) == ((), first.position)
        ended = (await stage.session(row.id)).ended
        assert ended is not None
        assert (ended.because, ended.position) == ("expired", first.position)

    async def test_a_session_is_never_appended_by_hand(self, stage: Stage) -> None:
        """An entry for a session without its row would be a lie, so it is refused."""
        with pytest.raises(ValueError, match="EndSession"):
            await stage.cut(Kind.SESSION, session_id("x"))

    async def test_a_cut_is_durable(self, stage: Stage) -> None:
        """Cuts of a principal, of a client and of everything are found by whatever they concern, the newest of each."""
        await stage.account()
        app = await stage.open(await stage.an_app())
        for kind, name in ((Kind.PRINCIPAL, app.principal), (Kind.CLIENT, "notes-app"), (Kind.ALL, "")):
            await stage.cut(kind, name)
            newest = await stage.cut(kind, name)
            assert (await stage.store.facts_of_session(app.id)).cuts.newest == newest.position
        for kind, name in ((Kind.PRINCIPAL, "other"), (Kind.CLIENT, "other"), (Kind.OUTDATED_ALL, "")):
            later = await stage.cut(kind, name)
            assert (await stage.store.facts_of_session(app.id)).cuts.newest < later.position

    @pytest.mark.parametrize("kind", [Kind.PRINCIPAL, Kind.CLIENT, Kind.ALL])
    async def test_what_is_older_than_a_cut_is_neither_opened_nor_moved(self, stage: Stage, kind: Kind) -> None:
        """A session born before a cut cannot be opened or updated any more; one born at it can."""
        await stage.account()
        late, live = await stage.an_app("late"), await stage.open(await stage.an_app("live"))
        name = {Kind.PRINCIPAL: str(live.principal), Kind.CLIENT: "notes-app", Kind.ALL: ""}[kind]
        cut = await stage.cut(kind, name)
        for write in (OpenSession(late), UpdateSession(live)):
            with pytest.raises(Conflict):
                await stage.commit(write)
        await stage.commit(OpenSession(replace(late, born=cut.position)))
        assert await stage.session(live.id) == live

    async def test_cuts_of_others_and_outdated_do_not_stop_an_opening(self, stage: Stage) -> None:
        """Only a cut that concerns the session counts."""
        await stage.account()
        row = await stage.an_app()
        for kind, name in ((Kind.PRINCIPAL, "x"), (Kind.CLIENT, "x"), (Kind.KEY, "x"), (Kind.OUTDATED_ALL, "")):
            await stage.cut(kind, name)
        await stage.cut(Kind.OUTDATED_PRINCIPAL, row.principal)
        assert await stage.open(row) == row

    async def test_everywhere_but_here_is_one_commit(self, stage: Stage) -> None:
        """The one that asks is born again at the cut that ends the others; a cut of the same commit is not held against it."""
        account = await stage.account()
        here, there = await stage.open(await stage.a_browser("here")), await stage.open(await stage.a_browser("there"))
        await stage.cut(Kind.CLIENT, "something else")
        committed = await stage.commit(
            PutAccount(replace(account, password_hash="new")),
            Append(Ending(Kind.PRINCIPAL, account.id)),
            UpdateSession(here, reborn=True),
        )
        kept = await stage.session(here.id)
        assert kept.born == committed.position == committed.revocations[-1].position
        assert committed.sessions[here.id] == kept
        assert [one.id for one in await stage.store.sessions_of(account.id)] == [here.id]
        with pytest.raises(Conflict):
            await stage.commit(UpdateSession(there))
        await stage.commit(UpdateSession(kept))

    async def test_opening_raises_the_opener(self, stage: Stage) -> None:
        """A session that was opened from another raises that one's version, so that it loses to an ending."""
        await stage.account()
        browser = await stage.open(await stage.a_browser())
        await stage.open(await stage.an_app(), opener=browser)
        assert await stage.session(browser.id) == replace(browser, version=2)

    async def test_what_is_live_is_listed(self, stage: Stage) -> None:
        """Sessions that ended or are older than a cut are in no list; the newest and the least recently used come first."""
        await stage.account()
        browser = await stage.open(await stage.a_browser())
        stage.clock.pass_time(10)
        used = await stage.open(await stage.an_app("used"), opener=browser)
        stage.clock.pass_time(10)
        idle = await stage.open(await stage.an_app("idle"), opener=browser, bound=False)
        over = await stage.open(await stage.an_app("over"), opener=browser)
        await stage.open(await stage.an_app("bob's", owner="bob"))
        await stage.close_session(over)
        assert isinstance(used.holder, AppHolder)
        await stage.commit(UpdateSession(replace(used, holder=replace(used.holder, rotated_at=stage.now + 5))))
        listed = await stage.store.sessions_of(principal_id("ada"))
        assert [one.id for one in listed] == [idle.id, used.id, browser.id]
        opened = await stage.store.sessions_opened_from(browser.id)
        assert [one.id for one in opened] == [idle.id, used.id]
        await stage.cut(Kind.CLIENT, "notes-app")
        assert [one.id for one in await stage.store.sessions_of(principal_id("ada"))] == [browser.id]
        assert await stage.store.sessions_opened_from(browser.id) == []

    async def test_one_live_session_for_a_service(self, stage: Stage) -> None:
        """A second is refused while one lives, and opened once that one has ended, is cut, or its time is over."""
        await stage.client("export", kind="service")
        first = await stage.a_service("first")
        await stage.commit(OpenSession(first, sole=True))
        with pytest.raises(Conflict):
            await stage.commit(OpenSession(await stage.a_service("second"), sole=True))
        await stage.commit(OpenSession(await stage.a_service("other", client="import"), sole=True))
        await stage.close_session(first)
        await stage.commit(OpenSession(await stage.a_service("third"), sole=True))
        await stage.cut(Kind.CLIENT, "export")
        fourth = await stage.a_service("fourth")
        await stage.commit(OpenSession(fourth, sole=True))
        stage.clock.pass_time(fourth.clocks.absolute_lifetime - 1)
        with pytest.raises(Conflict):
            await stage.commit(OpenSession(await stage.a_service("fifth"), sole=True))
        stage.clock.pass_time(1)
        fifth = await stage.a_service("fifth", clocks=Clocks(60, 600))
        await stage.commit(OpenSession(fifth, sole=True))
        stage.clock.pass_time(60)
        await stage.commit(OpenSession(await stage.a_service("sixth"), sole=True))
