"""TransientIsNotTerminal: our own faults answer 503 and consume nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tallystick.errors import Overloaded, TallystickError, Unavailable
from tallystick.http import response_of
from tests.support.house import (
    ADA,
    NETWORK,
    NEW_PASSWORD,
    PASSWORD,
    House,
    code_of,
    revealed,
    verdict,
)

pytestmark = pytest.mark.anyio
CALLS_MAX = 40


async def outcome(call: Awaitable[Any]) -> tuple[int, Any]:
    """Gives the status of what came of a call, 200 where it succeeded, with the result or the error."""
    try:
        return 200, await call
    except TallystickError as error:
        answer = response_of(error)
        if answer.status == 503:
            assert any(name.lower() == "retry-after" for name in answer.headers)
        return answer.status, error


async def fail_at_every_call(
    house: House, prepare: Callable[[], Awaitable[Any]], act: Callable[[Any], Awaitable[Any]], *, after: bool = False
) -> list[Any]:
    """Does something again and again, with the store in trouble at its first call, at its second, and so on.

    Each time the answer must be 503 and the same request must work right afterwards.

    Args:
        house: the house.
        prepare: makes what the request presents.
        act: the request.
        after: the trouble comes when the call was done, so that its outcome is not known.

    Returns:
        The results of the retries.
    """
    results = []
    for failing in range(CALLS_MAX):
        presented = await prepare()

        async def trouble(_: str, number: int, at: int = failing) -> None:
            if number == at:
                raise Unavailable("the test pulled the plug")

        with house.door.with_after(trouble) if after else house.door.with_before(trouble):
            status, answer = await outcome(act(presented))
            calls = len(house.door.calls)
        if status == 200:
            assert calls <= failing, "a call failed and nobody noticed"
            return results
        assert status == 503, f"call {failing} ({house.door.calls[failing]}): {answer!r}"
        status, answer = await outcome(act(presented))
        assert status == 200, f"after call {failing} had failed the same request gave {answer!r}"
        results.append(answer)
    raise AssertionError("it never got through")


class TestTransientIsNotTerminal:
    """Only a real ending answers 401 or `invalid_grant`."""

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    async def test_a_refresh_token_survives_our_trouble(self, house: House, *, after: bool) -> None:
        """Whichever call to the store fails, also when its outcome is unknown, the same refresh token works again."""
        client = await house.app()
        await house.person()

        async def prepare() -> Any:
            return await house.sign_in_app(client)

        async def act(tokens: Any) -> Any:
            return await house.refresh(tokens.refresh_token, client)

        results = await fail_at_every_call(house, prepare, act, after=after)
        assert len(results) >= 2
        for tokens in results:
            assert verdict(house.authority, tokens.access_token) == "good"
            row = (await house.door.store.facts_of_session(tokens.session)).session
            assert row.holder.generation == 1
            assert await code_of(house.refresh(tokens.refresh_token, client)) == "good"

    async def test_a_sign_in_can_be_tried_again(self, house: House) -> None:
        """A sign-in that failed by our fault counts as no wrong password and opens nothing by itself."""
        account = await house.person()
        before: list[int] = []

        async def prepare() -> None:
            before.append(len(await house.door.store.sessions_of(account.id)))

        results = await fail_at_every_call(house, prepare, lambda _: house.sign_in())
        assert len(results) >= 3
        # Many failures later the account is not locked: none of them was the person's.
        assert await code_of(house.sign_in()) == "good"

    @pytest.mark.parametrize(
        "act",
        [
            "mint",
            "view",
            "step up",
            "open from",
            "sign out",
            "end all but",
            "change password",
            "service",
            "sign in by an app",
        ],
    )
    async def test_every_other_use_case_can_be_tried_again(self, house: House, act: str) -> None:
        """Whatever was asked for, trouble of the store is 503, and the same request works when it is over."""
        client = await house.app()
        service, secret = await house.service()
        emails = iter(f"ada{n}@example.com" for n in range(CALLS_MAX))
        authority = house.authority

        async def prepare() -> Any:
            email = next(emails)
            await house.person(email)
            return email, await house.sign_in(email)

        acts: dict[str, Callable[[Any], Awaitable[Any]]] = {
            "mint": lambda p: house.mint(p[1].cookie),
            "view": lambda p: authority.view_of_cookie(revealed(p[1].cookie)),
            "step up": lambda p: authority.step_up(revealed(p[1].cookie), PASSWORD, network=NETWORK),
            "open from": lambda p: house.open_from(p[1].cookie, client),
            "sign out": lambda p: authority.sign_out(p[1].view),
            "end all but": lambda p: authority.end_all_but(revealed(p[1].cookie)),
            "change password": lambda p: authority.change_password(
                revealed(p[1].cookie), PASSWORD, NEW_PASSWORD, network=NETWORK
            ),
            "service": lambda _: authority.client_credentials(
                client_id=service.id, client_secret=secret, network=NETWORK
            ),
            "sign in by an app": lambda p: house.sign_in_app(client, p[0]),
        }
        results = await fail_at_every_call(house, prepare, acts[act])
        assert results, "no call failed"

    async def test_an_ending_that_failed_can_be_asked_for_again(self, house: House) -> None:
        """When `revoke` says 503 nothing has ended, or it has; asking again ends it once."""
        client = await house.app()
        await house.person()

        async def prepare() -> Any:
            return await house.sign_in_app(client)

        async def act(tokens: Any) -> Any:
            return await house.authority.revoke(tokens.session, because="test", strength="everywhere")

        for after in (False, True):
            assert await fail_at_every_call(house, prepare, act, after=after)
        head = await house.authority.head()
        names = [entry.ending.name for entry in await house.authority.log_page(type(head)(0, 0), 1000)]
        assert len(names) == len(set(names))

    async def test_a_full_hashing_queue_is_nobodys_wrong_password(self, house: House) -> None:
        """However often hashing is overloaded, the account is not throttled for it."""
        await house.person()
        house.hasher.trouble = Overloaded("the queue is full")
        for _ in range(20):
            status, error = await outcome(house.sign_in())
            assert (status, error.code) == (503, "overloaded")
        house.hasher.trouble = None
        assert await code_of(house.sign_in()) == "good"

    async def test_a_signer_without_a_key_consumes_no_refresh_token(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """While no key can sign, a refresh answers 503 and the generation stays where it was."""
        client = await house.app()
        await house.person()
        tokens = await house.sign_in_app(client)
        signer = house.authority.world.signer
        keys = await house.authority.keys()
        signer.load(())
        assert await code_of(house.refresh(tokens.refresh_token, client)) == "unavailable"
        row = (await house.door.store.facts_of_session(tokens.session)).session
        assert row.holder.generation == 0
        signer.load(keys)
        await house.pass_time(60)
        assert await code_of(house.refresh(tokens.refresh_token, client)) == "good"

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"scope": frozenset({"notes:delete"})}, "oauth.invalid_scope"),
            ({"client_secret": "tss_surplus"}, "oauth.invalid_client"),
        ],
    )
    async def test_a_request_that_asks_for_too_much_consumes_nothing(
        self, house: House, change: dict[str, Any], code: str
    ) -> None:
        """A refresh that is refused for its other parameters leaves its token as it was."""
        client = await house.app()
        await house.person()
        tokens = await house.sign_in_app(client)
        assert await code_of(house.refresh(tokens.refresh_token, client, **change)) == code
        row = (await house.door.store.facts_of_session(tokens.session)).session
        assert row.holder.generation == 0
        assert await code_of(house.refresh(tokens.refresh_token, client)) == "good"

    async def test_a_compare_and_swap_that_is_always_lost_is_our_trouble(self, house: House) -> None:
        """Losing every race is answered with 503, never with an ending."""
        client = await house.app()
        await house.person()
        tokens = await house.sign_in_app(client)
        from tallystick.errors import Conflict

        async def lose(name: str, _: int) -> None:
            if name == "commit":
                raise Conflict("the test was faster")

        with house.door.with_before(lose):
            status, _ = await outcome(house.refresh(tokens.refresh_token, client))
            assert status == 503
            assert await code_of(house.sign_in(ADA)) == "unavailable"
        assert await code_of(house.refresh(tokens.refresh_token, client)) == "good"
