"""People: signing up and in, stepping up, signing out, passwords, permissions, disabling."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.core.policy import DEFAULT
from tallystick.core.secret import Digest
from tallystick.crypto.hashing import HashingPool
from tallystick.errors import AlreadyExists, InvalidRequest, NotFound, PasswordRefused
from tallystick.identity.password import PasswordParameters
from tests.support.house import (
    ADA,
    BOB,
    NETWORK,
    NEW_PASSWORD,
    PASSWORD,
    PERMISSIONS,
    House,
    Kind,
    Time,
    a_house,
    code_of,
    revealed,
    store_of,
    verdict,
)

pytestmark = pytest.mark.anyio
CHEAP = PasswordParameters(memory_kib=64, time_cost=1)
CHEAPER = PasswordParameters(memory_kib=32, time_cost=1)


class TestAccounts:
    """Accounts are made once and found by what people type."""

    async def test_sign_up_makes_an_account_that_may_do_nothing_special(self, house: House) -> None:
        """Whoever signs up can sign in, however the address is written, and has no permissions."""
        account = await house.authority.sign_up("Ada@Example.COM", PASSWORD, network=NETWORK)
        assert account.permissions == frozenset()
        signed = await house.sign_in("ada@example.com")
        assert signed.account.id == account.id
        assert signed.view.scopes == frozenset()
        found = await house.authority.find_account("ADA@example.com")
        assert found is not None
        assert found.id == account.id
        assert (await house.authority.find_account(account.id)) == found
        assert await house.authority.find_account("nobody@example.com") is None
        assert await house.authority.find_account("no address") is None

    async def test_an_address_is_taken_once(self, house: House) -> None:
        """A second account with the same address, in any writing, is refused and the first stays as it is."""
        first = await house.person()
        with pytest.raises(AlreadyExists):
            await house.authority.sign_up(ADA.upper(), NEW_PASSWORD, network=NETWORK)
        assert [one.id for one in await house.authority.accounts()] == [first.id]
        assert await code_of(house.sign_in()) == "good"

    async def test_a_malformed_address_or_a_bad_password_changes_nothing(self, house: House) -> None:
        """What breaks a rule is refused with what to do about it, and no account is there afterwards."""
        for email, password, error in (
            ("no address", PASSWORD, InvalidRequest),
            (ADA, "short", PasswordRefused),
            (ADA, "passwordpassword", PasswordRefused),
        ):
            with pytest.raises(error):
                await house.authority.sign_up(email, password, network=NETWORK)
        with pytest.raises(InvalidRequest):
            await house.authority.create_account(ADA, PASSWORD, permissions=frozenset({"two words"}))
        assert await house.authority.accounts() == []

    async def test_accounts_are_listed_in_pages(self, house: House) -> None:
        """A list of accounts goes on after the last identifier of the page before."""
        for name in ("cy", "ada", "bob"):
            await house.person(f"{name}@example.com")
        first = await house.authority.accounts(limit=2)
        rest = await house.authority.accounts(after=first[-1].identifier, limit=2)
        assert [one.email.split("@")[0] for one in (*first, *rest)] == ["ada", "bob", "cy"]


class TestSigningIn:
    """A password opens a session; nothing tells whether it was the address or the password that was wrong."""

    async def test_a_browser_gets_a_cookie_and_its_view(self, house: House) -> None:
        """What a sign-in answers is what the cookie is worth afterwards."""
        account = await house.person()
        signed = await house.sign_in(label="Firefox on Linux")
        view = await house.authority.view_of_cookie(revealed(signed.cookie))
        assert (view.id, view.principal, view.scopes) == (signed.view.id, account.id, PERMISSIONS)
        assert view.csrf == revealed(signed.csrf)
        assert (view.client, view.credential, view.amr) == ("browser", "cookie", ("pwd",))
        assert view.authenticated_at == signed.view.authenticated_at
        assert signed.max_age is None
        (row,) = await house.authority.sessions_of(account.id)
        assert (row.id, row.label) == (view.id, "Firefox on Linux")
        assert (await house.authority.account_of(view)) == signed.account

    async def test_staying_signed_in_is_a_longer_session(self, house: House) -> None:
        """Who asks to stay signed in gets a cookie that is kept for 90 days."""
        await house.person()
        signed = await house.sign_in(stay=True)
        assert signed.max_age == DEFAULT.browser_kept.absolute_lifetime
        await house.pass_time(20 * 86400)
        assert await code_of(house.authority.view_of_cookie(revealed(signed.cookie))) == "good"

    async def test_an_unknown_account_costs_the_same_and_says_the_same(self, house: House) -> None:
        """A wrong password, an unknown address and a disabled account cost one hash each and get the same answer."""
        await house.person()
        disabled = await house.person(BOB)
        await house.authority.disable_account(disabled.id, because="test")
        for email in (ADA, BOB, "nobody@example.com"):
            before = len(house.hasher.verified)
            assert await code_of(house.authority.sign_in(email, "a wrong password", network=NETWORK)) == (
                "authentication.failed"
            )
            assert len(house.hasher.verified) == before + 1
        before = len(house.hasher.verified)
        assert await code_of(house.sign_in(BOB)) == "authentication.failed"
        assert len(house.hasher.verified) == before + 1

    async def test_the_same_person_in_the_same_browser_keeps_the_session(self, house: House) -> None:
        """Signing in again is a step-up: the same session, a new cookie, the absolute clock anew."""
        await house.person()
        first = await house.sign_in()
        await house.pass_time(3600)
        again = await house.sign_in(cookie=revealed(first.cookie))
        assert again.view.id == first.view.id
        assert revealed(again.cookie) != revealed(first.cookie)
        row = (await house.door.store.facts_of_session(again.view.id)).session
        assert len(row.authentications) == 2
        assert row.hard_end_at >= house.time.now() + DEFAULT.browser.absolute_lifetime - 2

    async def test_guesses_are_slowed_down_and_the_right_password_helps(self, house: House) -> None:
        """After some wrong passwords even the right one must wait; after it, everything is as before."""
        await house.person()
        house.time.stop()
        codes = [await code_of(house.authority.sign_in(ADA, f"wrong password {n}", network=NETWORK)) for n in range(12)]
        assert codes[0] == "authentication.failed"
        assert codes[-1] == "throttled"
        assert await code_of(house.sign_in()) == "throttled"
        # Somebody who knows the password, elsewhere, is not kept out by a stranger's guesses.
        assert await code_of(house.authority.sign_in(ADA, PASSWORD, network="198.51.100.7")) == "good"
        house.time.go_on()
        await house.pass_time(2000)
        assert await code_of(house.sign_in()) == "good"

    async def test_refused_attempts_hash_nothing(self, house: House) -> None:
        """An attempt that must wait costs no hash."""
        await house.person()
        house.time.stop()
        for n in range(12):
            await code_of(house.authority.sign_in(ADA, f"wrong password {n}", network=NETWORK))
        before = len(house.hasher.verified)
        assert await code_of(house.sign_in()) == "throttled"
        assert len(house.hasher.verified) == before

    async def test_sign_ups_from_one_network_are_slowed_down(self, house: House) -> None:
        """A program that makes accounts by the dozen is stopped; another network is not."""
        house.time.stop()
        codes = [
            await code_of(house.authority.sign_up(f"a{n}@example.com", PASSWORD, network=NETWORK)) for n in range(14)
        ]
        assert codes[0] == "good"
        assert codes[-1] == "throttled"
        assert await code_of(house.authority.sign_up(BOB, PASSWORD, network="198.51.100.7")) == "good"


class TestHashes:
    """Passwords are hashed anew when today's parameters are dearer."""

    async def test_a_cheaper_hash_is_upgraded_at_the_next_sign_in(self, kind: Kind, tmp_path: Path) -> None:
        """An old hash still signs in, and afterwards the stored one has today's cost; no session ends by it."""
        clock = Time()
        store = store_of(kind, tmp_path, clock)
        async with a_house(kind, tmp_path, store=store, hasher=HashingPool(CHEAPER, slots=1), at=clock) as house:
            await house.person()
            before = await house.sign_in()
        async with a_house(kind, tmp_path, store=store, hasher=HashingPool(CHEAP, slots=1), at=clock) as house:
            old = await house.authority.find_account(ADA)
            assert old is not None
            assert "m=32" in str(old.password_hash)
            assert await code_of(house.authority.sign_in(ADA, "a wrong password", network=NETWORK)) != "good"
            assert await house.authority.find_account(ADA) == old
            await house.sign_in()
            new = await house.authority.find_account(ADA)
            assert new is not None
            assert "m=64" in str(new.password_hash)
            assert await code_of(house.authority.view_of_cookie(revealed(before.cookie))) == "good"
            assert await code_of(house.sign_in()) == "good"
            assert (await house.authority.find_account(ADA)) == new


class TestSteppingUp:
    """One more proof, a new cookie."""

    async def test_the_old_cookie_keeps_its_level_for_a_minute(self, house: House) -> None:
        """After a step-up the new cookie is fresh, the old one is what it was, for 60 s."""
        await house.person()
        first = await house.sign_in()
        await house.pass_time(DEFAULT.fresh_lifetime + 1)
        old, new = revealed(first.cookie), ""
        assert await code_of(house.authority.end_all_but(old)) == "authentication.too_old"
        stepped = await house.authority.step_up(old, PASSWORD, network=NETWORK)
        new = revealed(stepped.cookie)
        assert stepped.view.id == first.view.id
        assert (await house.authority.view_of_cookie(new)).authenticated_at == stepped.view.authenticated_at
        assert await code_of(house.authority.view_of_cookie(old)) == "good"
        assert await code_of(house.authority.end_all_but(old)) == "authentication.too_old"
        await house.pass_time(61)
        assert await code_of(house.authority.view_of_cookie(old)) == "credential.expired"
        assert await code_of(house.authority.issue_access_token(old)) == "credential.expired"
        assert await code_of(house.authority.end_all_but(new)) == "good"

    async def test_a_wrong_password_steps_nothing_up(self, house: House) -> None:
        """Without the right password the session stays as it was, and guesses are counted."""
        await house.person()
        signed = await house.sign_in()
        cookie = revealed(signed.cookie)
        house.time.stop()
        for _ in range(12):
            code = await code_of(house.authority.step_up(cookie, "a wrong password", network=NETWORK))
        assert code == "throttled"
        row = (await house.door.store.facts_of_session(signed.view.id)).session
        assert len(row.authentications) == 1
        assert row.holder.cookie == Digest.of(cookie)

    @pytest.mark.parametrize("cookie", ["", "no cookie", "tsc_" + "A" * 43])
    async def test_what_is_no_cookie_is_refused(self, house: House, cookie: str) -> None:
        """A missing, malformed or unknown cookie does nothing at all."""
        for call in (
            house.authority.step_up(cookie, PASSWORD, network=NETWORK),
            house.authority.issue_access_token(cookie),
            house.authority.end_all_but(cookie),
            house.authority.change_password(cookie, PASSWORD, NEW_PASSWORD, network=NETWORK),
        ):
            assert await code_of(call) in ("credential.malformed", "session.ended")


class TestPasswords:
    """Changing a password."""

    async def test_a_wrong_old_password_or_a_bad_new_one_changes_nothing(self, house: House) -> None:
        """The password is what it was, and every session lives."""
        await house.person()
        here, there = await house.sign_in(), await house.sign_in()
        cookie = revealed(here.cookie)
        for old, new, code in (
            ("a wrong password", NEW_PASSWORD, "authentication.failed"),
            (PASSWORD, "short", "password.refused"),
        ):
            call = house.authority.change_password(cookie, old, new, network=NETWORK)
            assert await code_of(call) == code
        assert await code_of(house.sign_in()) == "good"
        assert await code_of(house.authority.view_of_cookie(revealed(there.cookie))) == "good"

    async def test_a_change_says_when_it_was_and_hashes_once(self, house: House) -> None:
        """The account carries the instant of the change, and the new password was hashed one time."""
        await house.person()
        here = await house.sign_in()
        await house.pass_time(100)
        before = house.hasher.hashed
        await house.authority.change_password(revealed(here.cookie), PASSWORD, NEW_PASSWORD, network=NETWORK)
        assert house.hasher.hashed == before + 1
        account = await house.authority.find_account(ADA)
        assert account is not None
        assert account.password_changed_at >= account.created_at + 100


class TestPermissions:
    """What an account may do is what its credentials may do, at once."""

    async def test_a_withdrawn_permission_goes_from_every_credential(self, house: House) -> None:
        """The cookie shows it at its next use; an access token is outdated, and the next one has it no more."""
        client, account = await house.app(), await house.person()
        browser, app = await house.sign_in(), await house.sign_in_app(client)
        async with house.verifier() as other:
            assert verdict(other, app.access_token) == "good"
            await house.authority.withdraw(account.id, "notes:write")
            await house.caught_up(other)
            assert verdict(other, app.access_token) == "credential.outdated"
        view = await house.authority.view_of_cookie(revealed(browser.cookie))
        assert view.scopes == {"notes:read"}
        again = await house.refresh(app.refresh_token, client)
        assert again.scope == {"notes:read"}
        assert house.authority.verify(revealed(again.access_token)).scopes == {"notes:read"}
        await house.authority.grant(account.id, "notes:write")
        await house.caught_up()
        assert (await house.authority.view_of_cookie(revealed(browser.cookie))).scopes == PERMISSIONS
        assert (await house.refresh(again.refresh_token, client)).scope == PERMISSIONS

    async def test_what_changes_nothing_says_nothing(self, house: House) -> None:
        """Granting what is there, or withdrawing what is not, appends no entry."""
        account = await house.person()
        head = await house.authority.head()
        await house.authority.grant(account.id, "notes:read")
        await house.authority.withdraw(account.id, "notes:delete")
        assert await house.authority.head() == head

    async def test_only_permissions_of_accounts_that_exist_change(self, house: House) -> None:
        """A malformed permission and an unknown account are refused."""
        account = await house.person()
        with pytest.raises(InvalidRequest):
            await house.authority.grant(account.id, 'a"quote')
        stranger = type(account.id)("1" * 22)
        for call in (
            house.authority.grant(stranger, "notes:read"),
            house.authority.disable_account(stranger, because="test"),
        ):
            with pytest.raises(NotFound):
                await call


class TestDisabling:
    """A disabled account is out, everywhere."""

    async def test_a_disabled_account_is_out_and_cannot_come_back(self, house: House) -> None:
        """Every credential falls and no password, right or wrong, opens a session again."""
        client, account = await house.app(), await house.person()
        browser, app = await house.sign_in(), await house.sign_in_app(client)
        async with house.verifier() as other:
            revoked = await house.authority.disable_account(account.id, because="left", strength="everywhere")
            assert verdict(other, app.access_token) == "credential.outdated"
            assert revoked.missing == ()
        assert await code_of(house.authority.view_of_cookie(revealed(browser.cookie))) == "session.ended"
        assert await code_of(house.refresh(app.refresh_token, client)) == "session.ended"
        assert await code_of(house.sign_in()) == "authentication.failed"
        assert await code_of(house.sign_in_app(client)) == "authentication.failed"

    async def test_events_are_told_after_the_commit_and_hold_no_secret(self, house: House) -> None:
        """Whoever observes hears of openings and endings by name, with the reason that was given."""
        await house.person()
        signed = await house.sign_in()
        await house.authority.revoke(signed.view.id, because="laptop stolen")
        names = [event.name for event in house.events]
        assert names.index("session.opened") < names.index("ending.asked") < names.index("session.ended")
        asked = next(event for event in house.events if event.name == "ending.asked")
        assert ("because", "laptop stolen") in asked.facts
        assert revealed(signed.cookie) not in repr(house.events)


async def test_clocks_of_a_policy_are_those_of_the_sessions(kind: Kind, tmp_path: Path) -> None:
    """A deployment that wants short sessions gets them."""
    policy = replace(DEFAULT, browser=replace(DEFAULT.browser, idle_lifetime=700))
    async with a_house(kind, tmp_path, policy) as house:
        await house.person()
        signed = await house.sign_in()
        await house.pass_time(690)
        assert await code_of(house.authority.view_of_cookie(revealed(signed.cookie))) == "good"
        await house.pass_time(690)
        assert await code_of(house.authority.view_of_cookie(revealed(signed.cookie))) == "good"
        await house.pass_time(701)
        assert await code_of(house.authority.view_of_cookie(revealed(signed.cookie))) == "credential.expired"
