"""FailClosed: a verifier past its lease trusts nothing that it remembers, and never blames the credential for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tallystick.errors import LeaseLapsed
from tallystick.http import response_of
from tests.support.house import House, code_of, revealed, until, verdict

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def deaf(house: House) -> AsyncIterator[None]:
    """Cuts the authority's own verifier off until its lease has lapsed; afterwards it hears again."""
    log = house.door.logs[0]
    log.cut()
    house.time.ahead += house.authority.policy.staleness.lease_s + 0.01
    try:
        yield
    finally:
        log.mend()
        await house.caught_up()


class TestFailClosed:
    """Without a lease there is no acceptance and no 401."""

    async def test_without_a_lease_nothing_is_accepted_and_nothing_is_blamed(self, house: House) -> None:
        """Past its lease a verifier answers 503 to a good token, an ended one and a cookie alike."""
        client = await house.app()
        await house.person()
        good, ended = await house.sign_in_app(client), await house.sign_in_app(client)
        browser = await house.sign_in()
        cookie = revealed(browser.cookie)
        assert await code_of(house.authority.view_of_cookie(cookie)) == "good"
        assert verdict(house.authority, ended.access_token) == "good"
        await house.authority.revoke(ended.session, because="test")
        assert verdict(house.authority, good.access_token) == "good"
        async with deaf(house):
            assert verdict(house.authority, good.access_token) == "lease.lapsed"
            assert verdict(house.authority, ended.access_token) == "lease.lapsed"
            assert await code_of(house.authority.view_of_cookie(cookie)) == "lease.lapsed"
            assert not house.authority.ready()
        assert verdict(house.authority, good.access_token) == "good"
        assert verdict(house.authority, ended.access_token) == "session.ended"
        assert await code_of(house.authority.view_of_cookie(cookie)) == "good"
        assert house.authority.ready()

    async def test_a_credential_that_was_never_seen_is_not_judged_either(self, house: House) -> None:
        """Past its lease a verifier does not even look a new token or cookie up."""
        client = await house.app()
        await house.person()
        tokens, browser = await house.sign_in_app(client), await house.sign_in()
        async with deaf(house):
            assert verdict(house.authority, tokens.access_token) == "lease.lapsed"
            assert await code_of(house.authority.view_of_cookie(revealed(browser.cookie))) == "lease.lapsed"

    async def test_the_answer_is_503_with_retry_after(self, house: House) -> None:
        """A lapsed lease is our own trouble: the client is told to come again, not to sign in."""
        client = await house.app()
        await house.person()
        tokens = await house.sign_in_app(client)
        async with deaf(house):
            with pytest.raises(LeaseLapsed) as raised:
                house.authority.verify(revealed(tokens.access_token))
        answer = response_of(raised.value)
        assert answer.status == 503
        headers = {name.lower(): value for name, value in answer.headers.items()}
        assert int(headers["retry-after"]) >= 1
        assert "www-authenticate" not in headers

    async def test_a_machine_that_slept_trusts_nothing_when_it_wakes(self, house: House) -> None:
        """The lease is compared with a clock that counts sleep, at each request, and not by a timer."""
        client = await house.app()
        await house.person()
        tokens = await house.sign_in_app(client)
        log = house.log()
        async with house.verifier(follow=log) as other:
            assert verdict(other, tokens.access_token) == "good"
            log.freeze()
            house.time.ahead += 3600
            # The very first request after waking, before any thread had a chance to do anything.
            assert verdict(other, tokens.access_token) == "lease.lapsed"
            assert not other.leased()
            log.mend()
            house.time.ahead -= 3600

    async def test_a_verifier_without_a_first_lease_serves_nothing(self, house: House) -> None:
        """Before it has heard the log, and after it was stopped, a verifier accepts nothing."""
        client = await house.app()
        await house.person()
        tokens = await house.sign_in_app(client)
        other = house.verifier()
        assert verdict(other, tokens.access_token) == "lease.lapsed"
        async with other:
            assert verdict(other, tokens.access_token) == "good"
        assert verdict(other, tokens.access_token) == "lease.lapsed"

    async def test_the_lease_comes_back_with_the_log(self, quick: House) -> None:
        """Once the log can be heard again, everybody is let in again, without signing in."""
        house = quick
        client = await house.app()
        await house.person()
        tokens = await house.sign_in_app(client)
        log = house.log()
        async with house.verifier(follow=log) as other:
            log.cut()
            await until(lambda: verdict(other, tokens.access_token) == "lease.lapsed")
            log.mend()
            await until(lambda: verdict(other, tokens.access_token) == "good")
