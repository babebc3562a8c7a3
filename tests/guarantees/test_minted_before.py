"""MintedBefore: a cut ends exactly what was born or minted from older authority, and no clock decides about it."""

from __future__ import annotations

import pytest

from tallystick.authority.issued import Tokens
from tallystick.authority.revoke import Everything
from tests.support.factors import an_owner
from tests.support.house import ADA, BOB, NETWORK, NEW_PASSWORD, PASSWORD, House, Pause, code_of, revealed, verdict

pytestmark = pytest.mark.anyio


class TestMintedBefore:
    """Sessions are compared by the position of their birth, tokens by their `tal`."""

    async def test_what_was_before_falls_and_what_comes_after_stands(self, house: House) -> None:
        """Within one second: a session, a cut, a session. The first is over, the second is good."""
        client = await house.app()
        account = await house.person()
        old_browser, old_app = await house.sign_in(), await house.sign_in_app(client)
        await house.authority.revoke(account.id, because="test")
        new_browser, new_app = await house.sign_in(), await house.sign_in_app(client)
        assert await code_of(house.authority.view_of_cookie(revealed(old_browser.cookie))) == "session.ended"
        assert verdict(house.authority, old_app.access_token) == "credential.outdated"
        assert await code_of(house.refresh(old_app.refresh_token, client)) == "session.ended"
        assert await code_of(house.authority.view_of_cookie(revealed(new_browser.cookie))) == "good"
        assert verdict(house.authority, new_app.access_token) == "good"
        assert await code_of(house.refresh(new_app.refresh_token, client)) == "good"

    @pytest.mark.parametrize("seconds", [-20, 20])
    async def test_a_clock_that_is_wrong_changes_nothing(self, house: House, seconds: int) -> None:
        """An issuer whose clock jumps between a cut and the next token neither saves the old nor kills the new."""
        service, secret = await house.service()

        async def token() -> Tokens:
            return await house.authority.client_credentials(client_id=service.id, client_secret=secret, network=NETWORK)

        old = await token()
        await house.authority.revoke(service.id, because="test")
        house.time.wall_only += seconds
        await house.beaten()
        new = await token()
        assert new.session != old.session
        assert verdict(house.authority, new.access_token) == "good"
        assert verdict(house.authority, old.access_token) == "session.ended"
        again = await token()
        assert (again.session, verdict(house.authority, again.access_token)) == (new.session, "good")

    async def test_a_sign_in_that_read_the_old_password_does_not_survive_its_change(self, house: House) -> None:
        """A sign-in that is paused after the password was found right, while that password is changed, opens nothing."""
        account = await house.person()
        here = await house.sign_in()
        pause, changed = Pause(), False

        async def paused() -> None:
            if not changed:
                await pause.here()

        async def change() -> None:
            nonlocal changed
            changed = True
            await house.authority.change_password(revealed(here.cookie), PASSWORD, NEW_PASSWORD, network=NETWORK)

        house.hasher.before_answer = paused
        code = await pause.run(code_of(house.sign_in()), change)
        assert code == "authentication.failed"
        assert [row.id for row in await house.authority.sessions_of(account.id)] == [here.view.id]

    @pytest.mark.parametrize("change", ["password", "cut", "disabled"])
    async def test_a_sign_in_loses_to_a_cut_that_comes_before_its_commit(self, house: House, change: str) -> None:
        """Paused right before its commit, a sign-in that rests on older facts is decided again, or refused."""
        account = await house.person()
        here, pause = await house.sign_in(), Pause()

        async def before(name: str, _: int) -> None:
            if name == "commit" and not pause.reached.is_set():
                await pause.here()

        async def meanwhile() -> None:
            house.door.before = None
            authority = house.authority
            if change == "password":
                await authority.change_password(revealed(here.cookie), PASSWORD, NEW_PASSWORD, network=NETWORK)
            elif change == "cut":
                await authority.revoke(account.id, because="test")
            else:
                await authority.disable_account(account.id, because="test")

        with house.door.with_before(before):
            code = await pause.run(code_of(house.sign_in()), meanwhile)
        # A plain cut says nothing against the password: the sign-in is decided again and is born after it.
        assert code == {"password": "authentication.failed", "cut": "good", "disabled": "authentication.failed"}[change]
        sessions = await house.authority.sessions_of(account.id)
        head = await house.authority.head()
        assert all(row.born >= head for row in sessions)
        assert len(sessions) == {"password": 1, "cut": 1, "disabled": 0}[change]

    @pytest.mark.parametrize("change", ["password", "cut", "disabled", "everything"])
    @pytest.mark.parametrize("stopped", [False, True], ids=["between the steps", "before the commit"])
    async def test_a_second_step_loses_to_a_cut_after_the_first(self, house: House, change: str, stopped: bool) -> None:
        """A pending sign-in is born before its password was read: whatever cuts after that ends it, to the last moment."""
        owner, pause = await an_owner(house, "totp"), Pause()
        pending = await owner.begin()
        authority, account = house.authority, owner.account

        async def before(name: str, _: int) -> None:
            if name == "commit" and stopped:
                await pause.here()

        async def cut() -> None:
            house.door.before = None
            if change == "password":
                await authority.change_password(owner.cookie, PASSWORD, NEW_PASSWORD, network=NETWORK)
            elif change == "disabled":
                await authority.disable_account(account.id, because="test")
            else:
                await authority.revoke(Everything() if change == "everything" else account.id, because="test")

        with house.door.with_before(before):
            if stopped:
                code = await pause.run(code_of(owner.prove(pending, owner.by_code())), cut)
            else:
                await cut()
                code = await code_of(owner.prove(pending, owner.by_code()))
        assert code == "authentication.expired"
        assert await owner.sessions() == (1 if change == "password" else 0)

    async def test_everywhere_but_here_leaves_the_one_that_asks(self, house: House) -> None:
        """The browser that ends all others is born again at the cut: its new cookie is good, its old one is dead."""
        client = await house.app()
        await house.person()
        await house.person(BOB)
        here, there, bobs = await house.sign_in(), await house.sign_in(), await house.sign_in(BOB)
        bound, minted = await house.open_from(here.cookie, client), await house.mint(here.cookie)
        kept = await house.authority.end_all_but(revealed(here.cookie))
        assert kept.view.id == here.view.id
        codes = [
            await code_of(house.authority.view_of_cookie(revealed(one.cookie))) for one in (here, there, kept, bobs)
        ]
        assert codes == ["session.ended", "session.ended", "good", "good"]
        assert await code_of(house.refresh(bound.refresh_token, client)) == "session.ended"
        # No verifier calls the session ended that was kept: its older tokens look again.
        assert verdict(house.authority, minted.access_token) == "credential.outdated"
        again = await house.mint(kept.cookie)
        assert verdict(house.authority, again.access_token) == "good"
        assert await code_of(house.open_from(kept.cookie, client)) == "good"

    async def test_a_password_change_keeps_only_the_browser_that_made_it(self, house: House) -> None:
        """Every other session of the person is over, offline access included, and the old password is worth nothing."""
        client = await house.app()
        await house.person()
        here, there = await house.sign_in(), await house.sign_in()
        offline = await house.open_from(there.cookie, client, bound=False)
        kept = await house.authority.change_password(revealed(here.cookie), PASSWORD, NEW_PASSWORD, network=NETWORK)
        assert await code_of(house.authority.view_of_cookie(revealed(kept.cookie))) == "good"
        assert await code_of(house.authority.view_of_cookie(revealed(there.cookie))) == "session.ended"
        assert await code_of(house.refresh(offline.refresh_token, client)) == "session.ended"
        assert await code_of(house.sign_in()) == "authentication.failed"
        assert await code_of(house.authority.sign_in(ADA, NEW_PASSWORD, network=NETWORK)) == "good"

    async def test_what_is_opened_is_born_by_its_own_request(self, house: House) -> None:
        """A session that is opened from another carries the position its own request began at, not the other's birth."""
        client = await house.app()
        await house.person()
        browser = await house.sign_in()
        other = await house.sign_in()
        await house.authority.sign_out(other.view)
        head = await house.authority.head()
        tokens = await house.open_from(browser.cookie, client)
        row = (await house.door.store.facts_of_session(tokens.session)).session
        assert row is not None
        assert row.born == head
        assert house.authority.verify(revealed(tokens.access_token)).tal == head

    async def test_an_authorization_that_began_before_a_cut_opens_nothing(self, house: House) -> None:
        """A request that carries the position of its beginning loses to a cut that came while it was on its way."""
        client = await house.app()
        account = await house.person()
        began = await house.authority.head()
        await house.sign_in()
        await house.authority.revoke(account.id, because="test")
        again = await house.sign_in()
        assert await code_of(house.open_from(again.cookie, client, born=began)) == "session.ended"
        assert await code_of(house.open_from(again.cookie, client)) == "good"

    async def test_a_token_carries_the_position_before_the_rows_that_it_was_made_from(self, house: House) -> None:
        """An ending between the read and the mint covers the token, because its `tal` lies before it."""
        client = await house.app()
        account = await house.person()
        tokens, pause = await house.sign_in_app(client), Pause()

        async def after(name: str, _: int) -> None:
            if name == "facts_of_session" and not pause.reached.is_set():
                await pause.here()

        async def meanwhile() -> None:
            house.door.after = None
            await house.authority.withdraw(account.id, "notes:write")

        with house.door.with_after(after):
            new = await pause.run(house.refresh(tokens.refresh_token, client), meanwhile)
        await house.caught_up()
        assert new.scope == frozenset({"notes:read", "notes:write"})
        assert verdict(house.authority, new.access_token) == "credential.outdated"
