"""Clients: apps opened from a browser's session or by themselves, services, scopes, audiences, secrets, limits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.core.policy import DEFAULT
from tallystick.errors import InvalidRequest, NotFound
from tests.support.house import (
    EXPORT,
    ISSUER,
    NETWORK,
    PERMISSIONS,
    House,
    Kind,
    a_house,
    code_of,
    revealed,
    verdict,
)

pytestmark = pytest.mark.anyio
READ = frozenset({"notes:read"})


class TestApps:
    """An app has a session of its own."""

    async def test_an_app_has_its_own_line_and_its_own_sid(self, house: House) -> None:
        """Two apps of one browser's session are three sessions, none of which shares its id."""
        account = await house.person()
        notes, maps = await house.app("notes"), await house.app("maps")
        browser = await house.sign_in()
        one, two = await house.open_from(browser.cookie, notes), await house.open_from(browser.cookie, maps)
        rows = {row.id: row for row in await house.authority.sessions_of(account.id)}
        assert set(rows) == {browser.view.id, one.session, two.session}
        assert rows[one.session].opened_from == rows[two.session].opened_from == browser.view.id
        view = house.authority.verify(revealed(one.access_token))
        assert (view.id, view.client, view.principal) == (one.session, notes, account.id)

    async def test_an_app_gets_what_it_may_and_what_the_account_has(self, house: House) -> None:
        """Scopes are those granted that the account has; more than the client may have is refused."""
        await house.person(permissions=READ)
        client = await house.app()
        browser = await house.sign_in()
        assert (await house.open_from(browser.cookie, client)).scope == READ
        assert (await house.sign_in_app(client)).scope == READ
        more = PERMISSIONS | {"notes:delete"}
        assert await code_of(house.open_from(browser.cookie, client, scope=more)) == "oauth.invalid_scope"
        assert await code_of(house.sign_in_app(client, scope=more)) == "oauth.invalid_scope"

    async def test_a_refresh_may_ask_for_less_and_not_for_more(self, house: House) -> None:
        """An access token of fewer scopes leaves the session's as they are (RFC 6749 section 6)."""
        await house.person()
        client = await house.app()
        tokens = await house.sign_in_app(client)
        less = await house.refresh(tokens.refresh_token, client, scope=READ)
        assert less.scope == READ
        again = await house.refresh(less.refresh_token, client)
        assert again.scope == PERMISSIONS
        code = await code_of(house.refresh(again.refresh_token, client, scope=frozenset({"notes:delete"})))
        assert code == "oauth.invalid_scope"

    async def test_only_a_first_party_native_app_may_take_a_password(self, house: House) -> None:
        """A third party's, a web application, an unknown and a disabled client are refused before any hashing."""
        await house.person()
        third = await house.app("third", first_party=False)
        web, _ = await house.authority.create_client("web", kind="web", first_party=True)
        gone = await house.app("gone")
        await house.authority.disable_client(gone, because="test")
        before = len(house.hasher.verified)
        for client, code in (
            (third, "oauth.unauthorized_client"),
            (web.id, "oauth.unauthorized_client"),
            (gone, "oauth.invalid_client"),
            ("1" * 22, "oauth.invalid_client"),
            ("no client!", "oauth.invalid_client"),
        ):
            assert await code_of(house.sign_in_app(client)) == code  # type: ignore[arg-type]
        assert len(house.hasher.verified) == before

    async def test_an_access_token_from_a_cookie_may_be_for_a_registered_audience(self, house: House) -> None:
        """The audience is the issuer, or one that a client has registered; it is good there and nowhere else."""
        await house.person()
        await house.app()
        browser = await house.sign_in()
        tokens = await house.mint(browser.cookie, audience=EXPORT)
        async with house.verifier(EXPORT) as export:
            assert verdict(export, tokens.access_token) == "good"
            own = await house.mint(browser.cookie, audience=ISSUER)
            assert verdict(export, own.access_token) == "credential.audience_mismatch"
        assert verdict(house.authority, tokens.access_token) == "credential.audience_mismatch"
        assert tokens.refresh_token is None
        code = await code_of(house.mint(browser.cookie, audience="https://elsewhere.example"))
        assert code == "oauth.invalid_target"

    async def test_what_is_opened_may_ask_for_registered_audiences_only(self, house: House) -> None:
        """An audience that the client has not registered is refused, and nothing is opened."""
        account = await house.person()
        client = await house.app()
        browser = await house.sign_in()
        code = await code_of(house.open_from(browser.cookie, client, audiences=["https://elsewhere.example"]))
        assert code == "oauth.invalid_target"
        assert len(await house.authority.sessions_of(account.id)) == 1
        assert await code_of(house.open_from(browser.cookie, client, audiences=[EXPORT])) == "good"

    async def test_offline_access_needs_a_fresh_authentication(self, house: House) -> None:
        """What shall outlive the browser's session is opened only right after a proof."""
        await house.person()
        client = await house.app()
        browser = await house.sign_in()
        await house.pass_time(DEFAULT.fresh_lifetime + 1)
        code = await code_of(house.open_from(browser.cookie, client, bound=False))
        assert code == "authentication.too_old"
        assert await code_of(house.open_from(browser.cookie, client)) == "good"

    async def test_the_least_recently_used_goes_when_there_are_too_many(self, kind: Kind, tmp_path: Path) -> None:
        """At the limit one more app session ends the one that rested longest, in the same commit."""
        policy = replace(DEFAULT, sessions_per_opener_and_client=2)
        async with a_house(kind, tmp_path, policy) as house:
            await house.person()
            client = await house.app()
            browser = await house.sign_in()
            first = await house.open_from(browser.cookie, client)
            await house.pass_time(5)
            second = await house.open_from(browser.cookie, client)
            await house.pass_time(5)
            first = await house.refresh(first.refresh_token, client)
            third = await house.open_from(browser.cookie, client)
            assert await code_of(house.refresh(second.refresh_token, client)) == "session.ended"
            await house.caught_up()
            assert verdict(house.authority, second.access_token) == "session.ended"
            for tokens in (first, third):
                assert await code_of(house.refresh(tokens.refresh_token, client)) == "good"

    @pytest.mark.parametrize("token", ["", "nonsense", "tsr_" + "1" * 22 + "_0_" + "A" * 43])
    async def test_what_is_no_refresh_token_of_ours_reads_nothing(self, house: House, token: str) -> None:
        """A forged token is refused by its MAC, before any row is read; what comes from its network is counted."""
        client = await house.app()
        house.door.calls.clear()
        assert await code_of(house.refresh(token, client)) == "credential.malformed"
        assert set(house.door.calls) <= {"count"}

    async def test_a_refresh_names_its_client(self, house: House) -> None:
        """Without a client id, or with one that cannot be, nothing is consumed."""
        await house.person()
        client = await house.app()
        tokens = await house.sign_in_app(client)
        for wrong in (None, "", "no client!", "1" * 22):
            code = await code_of(
                house.authority.refresh(revealed(tokens.refresh_token), client_id=wrong, network=NETWORK)
            )
            assert code == "oauth.invalid_client"
        assert await code_of(house.refresh(tokens.refresh_token, client)) == "good"


class TestServices:
    """A service has one long session; minting writes nothing."""

    async def test_a_service_gets_tokens_from_one_session_without_a_write(self, house: House) -> None:
        """The first token opens the session, every further one only reads."""
        service, secret = await house.service()
        first = await self.token(house, service.id, secret)
        commits = len(house.door.commits)
        others = [await self.token(house, service.id, secret) for _ in range(5)]
        assert {one.session for one in others} == {first.session}
        assert len(house.door.commits) == commits
        assert first.refresh_token is None
        view = house.authority.verify(revealed(first.access_token))
        assert (view.principal, view.client, view.scopes) == (service.id, service.id, READ)
        assert view.authenticated_at is None

    async def test_two_first_tokens_at_once_open_one_session(self, house: House) -> None:
        """The loser of the race mints from the winner's session."""
        service, secret = await house.service()
        tokens = await asyncio.gather(*(self.token(house, service.id, secret) for _ in range(6)))
        assert len({one.session for one in tokens}) == 1

    async def test_a_cut_makes_the_next_token_come_from_a_new_session(self, house: House) -> None:
        """Revoking a service's client ends what it has; the secret still works, the session is a new one."""
        service, secret = await house.service()
        old = await self.token(house, service.id, secret)
        await house.authority.revoke(service.id, because="test")
        assert verdict(house.authority, old.access_token) == "session.ended"
        new = await self.token(house, service.id, secret)
        assert new.session != old.session
        assert verdict(house.authority, new.access_token) == "good"

    async def test_a_disabled_service_is_kept_out(self, house: House) -> None:
        """To keep a service out for good it is disabled; its tokens fall at once."""
        service, secret = await house.service()
        old = await self.token(house, service.id, secret)
        await house.authority.disable_client(service.id, because="test", strength="everywhere")
        assert verdict(house.authority, old.access_token) == "session.ended"
        assert await code_of(self.token(house, service.id, secret)) == "oauth.invalid_client"
        with pytest.raises(NotFound):
            await house.authority.disable_client(type(service.id)("1" * 22), because="test")

    async def test_wrong_secrets_are_slowed_down_and_the_right_one_is_not(self, house: House) -> None:
        """Guesses at a client's secret must wait; the client itself is never made to wait for them."""
        service, secret = await house.service()
        house.time.stop()
        codes = [await code_of(self.token(house, service.id, f"tss_wrong{n}")) for n in range(20)]
        assert codes[0] == "oauth.invalid_client"
        assert codes[-1] == "throttled"
        assert await code_of(self.token(house, service.id, secret)) == "good"

    async def test_a_service_asks_for_what_it_registered(self, house: House) -> None:
        """Scope and audience are within what the client has, and no other kind of client gets a token this way."""
        service, secret = await house.service()
        assert (await self.token(house, service.id, secret, audience=EXPORT)).scope == READ
        for more, code in (
            ({"scope": PERMISSIONS}, "oauth.invalid_scope"),
            ({"audience": "https://elsewhere.example"}, "oauth.invalid_target"),
        ):
            assert await code_of(self.token(house, service.id, secret, **more)) == code
        web, web_secret = await house.authority.create_client("web", kind="web")
        assert await code_of(self.token(house, web.id, revealed(web_secret))) == "oauth.unauthorized_client"
        app = await house.app()
        assert await code_of(self.token(house, app, "tss_none")) == "oauth.invalid_client"

    @staticmethod
    async def token(house: House, client: str, secret: str, **more: object):
        """Asks for a token by client_credentials."""
        return await house.authority.client_credentials(
            client_id=client,
            client_secret=secret,
            network=NETWORK,
            **more,  # type: ignore[arg-type]
        )


class TestRegistering:
    """Clients are registered with what they may do; the secret is shown once."""

    async def test_a_confidential_client_has_a_secret_that_is_shown_once(self, house: House) -> None:
        """Web applications and services get a secret; the others have none."""
        for kind, confidential in (
            ("web", True),
            ("service", True),
            ("spa", False),
            ("native", False),
            ("device", False),
        ):
            client, secret = await house.authority.create_client(f"a {kind}", kind=kind)
            assert (secret is not None) is confidential
            found = await house.authority.find_client(client.id)
            assert found == client
            assert len(found.secrets) == (1 if confidential else 0)
            assert secret is None or revealed(secret) not in repr(found)
        assert len(await house.authority.clients()) == 5
        assert await house.authority.find_client("no client!") is None

    async def test_what_breaks_a_rule_is_refused(self, house: House) -> None:
        """An unknown kind, an empty name and a redirect URI that is none register nothing."""
        for name, fields in (
            ("x", {"kind": "toaster"}),
            ("", {"kind": "web"}),
            ("x", {"kind": "web", "redirect_uris": ["javascript:alert(1)"]}),
            ("x", {"kind": "web", "scopes": ["two words"]}),
        ):
            with pytest.raises(InvalidRequest):
                await house.authority.create_client(name, **fields)  # type: ignore[arg-type]
        assert await house.authority.clients() == []
