"""OneRoot: ending a session ends all that presents it and all that was opened from it, in one commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tallystick.authority.revoke import EVERYTHING_TARGET
from tallystick.core.policy import DEFAULT, Clocks
from tallystick.core.session.decision import EndSession
from tallystick.ports import Record
from tests.support.house import ADA, House, Kind, Pause, a_house, code_of, verdict

pytestmark = pytest.mark.anyio


class Family:
    """A browser's session with everything that hangs on it, and one app of the same person that does not."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def grow(self) -> Family:
        """Signs in and opens what there is to open."""
        house = self.house
        self.account = await house.person()
        self.client = await house.app()
        self.browser = await house.sign_in()
        self.from_cookie = await house.mint(self.browser.cookie)
        self.bound = await house.open_from(self.browser.cookie, self.client)
        self.offline = await house.open_from(self.browser.cookie, self.client, bound=False)
        self.alone = await house.sign_in_app(self.client)
        assert await self.fate() == {
            "cookie": "good",
            "minted": "good",
            "bound": "good",
            "offline": "good",
            "alone": "good",
        }
        return self

    async def fate(self) -> dict[str, str]:
        """Says what each credential is worth now; refreshes what can be refreshed."""
        house, authority = self.house, self.house.authority
        found = {
            "cookie": await code_of(authority.view_of_cookie(self.browser.cookie.reveal())),
            "minted": verdict(authority, self.from_cookie.access_token),
        }
        for name in ("bound", "offline", "alone"):
            tokens = getattr(self, name)
            access = verdict(authority, tokens.access_token)
            try:
                setattr(self, name, await house.refresh(tokens.refresh_token, self.client))
                found[name] = access
            except Exception as error:  # noqa: BLE001  (whatever comes is what the test compares)
                code = getattr(error, "code", repr(error))
                assert access != "good", f"{name}: the refresh token is {code} and the access token is good"
                found[name] = code
        return found


class TestOneRoot:
    """Ending a session ends everything that presents it."""

    async def test_sign_out_ends_all_credentials_in_one_commit(self, house: House) -> None:
        """After a sign-out neither the cookie nor any token of it, nor any app opened from it, is accepted."""
        family = await Family(house).grow()
        before, head = len(house.door.commits), await house.authority.head()
        revoked = await house.authority.sign_out(family.browser.view)
        assert len(house.door.commits) == before + 1
        page = await house.authority.log_page(head, 100)
        assert [entry.ending.name for entry in page] == [family.browser.view.id, family.bound.session]
        assert revoked.position == page[-1].position
        assert await family.fate() == {
            "cookie": "session.ended",
            "minted": "session.ended",
            "bound": "session.ended",
            "offline": "good",
            "alone": "good",
        }

    async def test_an_administrator_takes_offline_access_along(self, house: House) -> None:
        """Ending a session because it was stolen also ends what was opened from it for offline access."""
        family = await Family(house).grow()
        await house.authority.revoke(family.browser.view.id, because="laptop stolen")
        fate = await family.fate()
        assert fate.pop("alone") == "good"
        assert set(fate.values()) == {"session.ended"}

    async def test_offline_access_ends_by_itself(self, house: House) -> None:
        """What was opened for offline access can be ended alone; the browser's session lives on."""
        family = await Family(house).grow()
        await house.authority.revoke(family.offline.session, because="not mine")
        fate = await family.fate()
        assert fate.pop("offline") == "session.ended"
        assert set(fate.values()) == {"good"}

    @pytest.mark.parametrize("way", ["principal", "account disabled", "everything"])
    async def test_a_cut_ends_every_session_of_a_person(self, house: House, way: str) -> None:
        """Ending all of a person's sessions, disabling the account, or ending everything leaves no credential."""
        family = await Family(house).grow()
        authority, person = house.authority, family.account.id
        ways: dict[str, Callable[[], Awaitable[Any]]] = {
            "principal": lambda: authority.revoke(person, because="test"),
            "account disabled": lambda: authority.disable_account(person, because="test"),
            "everything": lambda: authority.revoke(EVERYTHING_TARGET, because="test"),
        }
        await ways[way]()
        fate = await family.fate()
        # A cut says "look again" to a bearer token, and the next look ends it.
        assert set(fate.values()) <= {"session.ended", "credential.outdated"}
        assert fate["cookie"] == fate["bound"] == fate["offline"] == fate["alone"] == "session.ended"

    @pytest.mark.parametrize("way", ["client", "client disabled"])
    async def test_a_cut_ends_every_session_of_a_client(self, house: House, way: str) -> None:
        """Ending or disabling a client ends all that it holds, and no browser's session."""
        family = await Family(house).grow()
        if way == "client":
            await house.authority.revoke(family.client, because="test")
        else:
            await house.authority.disable_client(family.client, because="test")
        fate = await family.fate()
        assert (fate["cookie"], fate["minted"]) == ("good", "good")
        dead = {fate["bound"], fate["offline"], fate["alone"]}
        assert dead == {"session.ended"} if way == "client" else "good" not in dead

    async def test_what_is_opened_loses_to_the_ending_of_its_opener(self, house: House) -> None:
        """An app that is just being opened when the browser signs out is not left behind alone."""
        client = await house.app()
        account = await house.person()
        browser, pause = await house.sign_in(), Pause()

        async def before(name: str, _: int) -> None:
            if name == "commit":
                await pause.here()

        with house.door.with_before(before):
            opening = code_of(house.open_from(browser.cookie, client))
            code = await pause.run(opening, lambda: house.authority.sign_out(browser.view))
        assert code == "session.ended"
        assert await house.authority.sessions_of(account.id) == []

    async def test_a_session_that_is_replaced_in_its_browser_takes_its_apps_along(self, house: House) -> None:
        """Signing in as somebody else ends the session that the browser had, and what was opened from it."""
        family = await Family(house).grow()
        await house.person("bob@example.com")
        await house.sign_in("bob@example.com", cookie=family.browser.cookie.reveal())
        fate = await family.fate()
        assert (fate["cookie"], fate["minted"], fate["bound"]) == ("session.ended",) * 3

    async def test_an_ending_is_one_change_however_many_it_takes_along(self, house: House) -> None:
        """The rule asks the store for one ending; finding what is bound to it belongs to the same commit."""
        family = await Family(house).grow()
        await house.authority.sign_out(family.browser.view)
        ending, *recorded = house.door.commits[-1]
        assert ending == EndSession(family.browser.view.id, "signed out")
        assert all(isinstance(one, Record) for one in recorded)


class TestOneRootInTime:
    """No credential outlives its session."""

    async def test_no_credential_outlives_the_hard_end(self, kind: Kind, tmp_path: Path) -> None:
        """Near its hard end a session mints shorter tokens; at it nothing of it is accepted, also what was opened from it."""
        policy = replace(DEFAULT, browser=Clocks(900, 1000), access_token_lifetime=600)
        async with a_house(kind, tmp_path, policy) as house:
            client = await house.app()
            await house.person()
            browser = await house.sign_in()
            bound = await house.open_from(browser.cookie, client)
            await house.pass_time(800)
            minted = await house.mint(browser.cookie)
            assert 190 <= minted.expires_in <= 200
            bound = await house.refresh(bound.refresh_token, client)
            assert 190 <= bound.expires_in <= 200
            await house.pass_time(215)
            assert await code_of(house.authority.view_of_cookie(browser.cookie.reveal())) == "credential.expired"
            assert await code_of(house.mint(browser.cookie)) == "credential.expired"
            assert await code_of(house.refresh(bound.refresh_token, client)) == "credential.expired"
            assert verdict(house.authority, minted.access_token) == "credential.expired"
            assert verdict(house.authority, bound.access_token) == "credential.expired"
            # Time appends nothing to the log.
            assert (await house.authority.head()).seq == 0

    async def test_an_app_in_use_keeps_its_opener_alive_and_an_idle_one_dies_with_it(
        self, kind: Kind, tmp_path: Path
    ) -> None:
        """A bound session has no idle clock of its own: both live by the browser's, and both end by it."""
        policy = replace(DEFAULT, browser=Clocks(600, 86400))
        async with a_house(kind, tmp_path, policy) as house:
            client = await house.app()
            await house.person(ADA)
            browser = await house.sign_in()
            bound = await house.open_from(browser.cookie, client)
            for _ in range(3):
                await house.pass_time(400)
                bound = await house.refresh(bound.refresh_token, client)
            assert await code_of(house.authority.view_of_cookie(browser.cookie.reveal())) == "good"
            await house.pass_time(601)
            assert await code_of(house.refresh(bound.refresh_token, client)) == "credential.expired"
            assert await code_of(house.authority.view_of_cookie(browser.cookie.reveal())) == "credential.expired"
