"""The contract of sessions: what is written is read again, whole, with what it depends on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import ORIGIN, Kind
from tallystick.core.secret import Digest
from tallystick.core.session.decision import OpenSession, UpdateSession
from tallystick.core.session.model import AppHolder, Authentication, BrowserHolder
from tallystick.errors import Conflict, Misconfigured
from tallystick.ports import PutAccount
from tallystick.testing.contract_base import Contract
from tallystick.testing.stage import STALENESS, Stage, session_id


class Rows(Contract):
    """What is written is read again."""

    async def test_an_empty_log_begins_in_the_epoch_of_its_creation(self, stage: Stage) -> None:
        """The first position of a new log is the second of its creation, before any entry."""
        assert await stage.store.head() == (stage.now, 0)
        assert await stage.store.log_page(ORIGIN, 10) == []

    async def test_a_process_with_other_constants_is_refused(self, stage: Stage) -> None:
        """Whoever was told another lease than the log header says does not start."""
        other = stage.unopened()
        with pytest.raises(Misconfigured):
            await other.open(Staleness(lease_s=6.0))
        await stage.unopened().open(STALENESS)

    async def test_a_session_is_read_as_it_was_written(self, stage: Stage) -> None:
        """Every field of a session of every holder comes back."""
        await stage.account()
        await stage.client()
        browser = await stage.a_browser()
        app = await stage.an_app(label="a ‘phone’", resources=("https://a.example/x y", "urn:b"))
        service = await stage.a_service()
        for row in (browser, app, service):
            committed = await stage.commit(OpenSession(row))
            assert committed.sessions == {row.id: row}
            assert (await stage.store.facts_of_session(row.id)).session == row

    async def test_a_session_is_read_with_what_it_depends_on(self, stage: Stage) -> None:
        """One read gives the session, the one it was opened from, account, client, cuts, and the position before all."""
        account, client = await stage.account(), await stage.client()
        browser = await stage.open(await stage.a_browser())
        app = await stage.open(await stage.an_app(), opener=browser)
        cut = await stage.cut(Kind.CLIENT, client.id)
        facts = await stage.store.facts_of_session(app.id)
        assert facts.session == app
        assert facts.opener == replace(browser, version=2)
        assert (facts.account, facts.client) == (account, client)
        assert facts.position == cut.position
        assert (facts.cuts.principal, facts.cuts.client, facts.cuts.everything) == (ORIGIN, cut.position, ORIGIN)
        alone = await stage.store.facts_of_session(browser.id)
        assert (alone.opener, alone.client, alone.cuts.newest) == (None, None, ORIGIN)

    async def test_a_missing_session_is_none(self, stage: Stage) -> None:
        """A session that is not there is no error; the position is told all the same."""
        facts = await stage.store.facts_of_session(session_id("nobody"))
        assert (facts.session, facts.opener, facts.account, facts.client) == (None, None, None, None)
        assert facts.position == await stage.store.head()
        assert (await stage.store.facts_of_session(Digest.of("nobody"))).session is None

    async def test_a_cookie_finds_its_session_and_so_does_the_one_before(self, stage: Stage) -> None:
        """The digest of the current and of the previous cookie lead to the session, that of an older one to nothing."""
        await stage.account()
        row = await stage.open(await stage.a_browser())
        first, second, third = (Digest.of(text) for text in ("cookie of browser", "second", "third"))
        for cookie, before in ((second, first), (third, second)):
            row = replace(row, holder=BrowserHolder(cookie, before, stage.now + 60, 1))
            row = (await stage.commit(UpdateSession(row))).sessions[row.id]
        for cookie in (third, second):
            assert (await stage.store.facts_of_session(cookie)).session == row
        assert (await stage.store.facts_of_session(first)).session is None

    async def test_an_update_is_read_as_it_was_written(self, stage: Stage) -> None:
        """A rotation and a step-up come back with their version raised."""
        await stage.account()
        app = await stage.open(await stage.an_app())
        assert isinstance(app.holder, AppHolder)
        moved = replace(
            app.used(stage.now + 9), scopes=frozenset({"a", "b"}), resources=("urn:x",),
            holder=replace(app.holder, generation=1, master_version=7, rotated_at=stage.now + 9),
        )  # fmt: skip
        expected = replace(moved, version=2)
        assert (await stage.commit(UpdateSession(moved))).sessions == {app.id: expected}
        assert await stage.session(app.id) == expected
        browser = await stage.open(await stage.a_browser())
        proof = Authentication(stage.now + 5, ("hwk", "user"), "urn:tallystick:passkey")
        stepped = replace(
            browser, authentications=(*browser.authentications, proof), opened_at=stage.now + 5, active_at=stage.now + 5,
            holder=BrowserHolder(Digest.of("new"), Digest.of("cookie of browser"), stage.now + 65, 1),
        )  # fmt: skip
        await stage.commit(UpdateSession(stepped))
        assert await stage.session(browser.id) == replace(stepped, version=2)

    async def test_a_row_of_another_version_is_not_updated(self, stage: Stage) -> None:
        """An update of what has changed since it was loaded is a conflict, and so is one of what is missing or ended."""
        await stage.account()
        row = await stage.open(await stage.an_app())
        await stage.commit(UpdateSession(row))
        ended = await stage.open(await stage.an_app("ended"))
        await stage.close_session(ended)
        for one in (row, await stage.an_app("missing"), ended, replace(ended, version=2)):
            with pytest.raises(Conflict):
                await stage.commit(UpdateSession(one))
        assert (await stage.session(row.id)).version == 2

    async def test_a_commit_is_all_or_nothing(self, stage: Stage) -> None:
        """When the last write of a commit is lost, none of the others has happened."""
        account = await stage.account()
        row, other = await stage.open(await stage.an_app()), await stage.an_app("other")
        before = await stage.store.head()
        with pytest.raises(Conflict):
            await stage.commit(
                PutAccount(replace(account, enabled=False)), OpenSession(other), UpdateSession(row), UpdateSession(row)
            )
        facts = await stage.store.facts_of_session(row.id)
        assert facts.session == row
        assert facts.account == account
        assert (await stage.store.facts_of_session(other.id)).session is None
        assert await stage.store.head() == before

    async def test_a_session_is_opened_once(self, stage: Stage) -> None:
        """A second session of the same id is a conflict."""
        await stage.account()
        row = await stage.open(await stage.an_app())
        with pytest.raises(Conflict):
            await stage.commit(OpenSession(row))

    async def test_last_uses_move_forward_only(self, stage: Stage) -> None:
        """A use moves the idle clock without a new version; an older one, and one of an ended session, do nothing."""
        await stage.account()
        row, ended = await stage.open(await stage.an_app()), await stage.open(await stage.an_app("ended"))
        await stage.close_session(ended)
        await stage.store.touch({row.id: stage.now + 50, ended.id: stage.now + 50, session_id("none"): 1})
        await stage.store.touch({row.id: stage.now + 20})
        await stage.store.touch({})
        assert await stage.session(row.id) == replace(row, active_at=stage.now + 50)
        assert (await stage.session(ended.id)).active_at == ended.active_at
        committed = await stage.commit(UpdateSession(replace(row, active_at=stage.now + 30)))
        assert committed.sessions[row.id].active_at == stage.now + 50
