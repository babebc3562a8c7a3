"""Everywhere: after the call has returned, no verifier accepts a request that starts later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.core.policy import DEFAULT
from tests.support.house import CALM, ISSUER, QUICK, House, a_house, revealed, until, verdict
from tests.support.verifying import VerifierProcess

pytestmark = pytest.mark.anyio


class TestEverywhere:
    """`strength="everywhere"` waits for every verifier, or for the bound."""

    async def test_no_verifier_accepts_after_the_return(self, house: House) -> None:
        """The moment the call returns, each verifier refuses the very next request; all of them have said so."""
        client = await house.app()
        await house.person()
        async with house.verifier(name="one") as one, house.verifier(name="two") as two:
            await house.caught_up(one, two)
            for _ in range(5):
                tokens = await house.sign_in_app(client)
                assert {verdict(each, tokens.access_token) for each in (one, two, house.authority)} == {"good"}
                revoked = await house.authority.revoke(tokens.session, because="test", strength="everywhere")
                assert [verdict(each, tokens.access_token) for each in (one, two, house.authority)] == [
                    "session.ended"
                ] * 3
                assert revoked.strength == "everywhere"
                assert revoked.missing == ()
                assert {name.split("-")[0] for name in revoked.acked} >= {"one", "two"}
                assert len(revoked.acked) == 3

    async def test_a_verifier_that_hangs_is_waited_for_until_its_lease_has_lapsed(self, quick: House) -> None:
        """The call takes the bound, names who is missing, and that verifier trusts its memory no more."""
        house = quick
        client = await house.app()
        await house.person()
        tokens = await house.sign_in_app(client)
        log = house.log()
        async with house.verifier(follow=log, name="hangs") as other:
            await until(lambda: verdict(other, tokens.access_token) == "good")
            log.freeze()
            try:
                revoked = await house.authority.revoke(tokens.session, because="test", strength="everywhere")
                assert verdict(other, tokens.access_token) == "lease.lapsed"
                assert [name.split("-")[0] for name in revoked.missing] == ["hangs"]
                assert revoked.waited_s >= QUICK.bound_s
            finally:
                log.mend()
            await until(other.leased)
            assert verdict(other, tokens.access_token) == "session.ended"

    async def test_a_verifier_that_lost_the_log_for_a_moment_is_still_waited_for(self, quick: House) -> None:
        """Being cut off does not remove a verifier from those that are waited for while its lease may last."""
        house = quick
        client = await house.app()
        await house.person()
        tokens = await house.sign_in_app(client)
        log = house.log()
        async with house.verifier(follow=log, name="cut") as other:
            log.cut()
            revoked = await house.authority.revoke(tokens.session, because="test", strength="everywhere")
            assert verdict(other, tokens.access_token) in ("lease.lapsed", "session.ended")
            assert verdict(other, tokens.access_token) != "good"
            assert revoked.acked.keys().isdisjoint({other.state().verifier})
            log.mend()

    async def test_an_ending_that_was_only_logged_can_be_waited_for_later(self, house: House) -> None:
        """Whoever holds the position may ask, and ask again, that it be true everywhere."""
        client = await house.app()
        await house.person()
        tokens = await house.sign_in_app(client)
        async with house.verifier() as other:
            logged = await house.authority.revoke(tokens.session, because="test")
            assert (logged.strength, logged.acked) == ("logged", {})
            for _ in range(2):
                awaited = await house.authority.await_everywhere(logged.position)
                assert (awaited.position, awaited.missing) == (logged.position, ())
                assert verdict(other, tokens.access_token) == "session.ended"

    async def test_a_verifier_that_left_cleanly_is_not_waited_for(self, house: House) -> None:
        """A service that was shut down holds nobody up."""
        client = await house.app()
        await house.person()
        tokens = await house.sign_in_app(client)
        async with house.verifier(name="left"):
            pass
        revoked = await house.authority.revoke(tokens.session, because="test", strength="everywhere")
        assert revoked.missing == ()
        assert len(revoked.acked) == 1
        assert revoked.waited_s < CALM.bound_s

    @pytest.mark.parametrize("target", ["principal", "client", "key"])
    async def test_a_cut_is_true_everywhere_too(self, house: House, target: str) -> None:
        """Ending all of a principal, a client or a key is acked like the ending of one session."""
        client = await house.app()
        account = await house.person()
        tokens = await house.sign_in_app(client)
        (key,) = [one.kid for one in await house.authority.keys() if one.state == "active"]
        async with house.verifier() as other:
            revoked = await house.authority.revoke(
                {"principal": account.id, "client": client, "key": key}[target], because="test", strength="everywhere"
            )
            code = {"principal": "credential.outdated", "client": "session.ended", "key": "credential.key_unknown"}
            assert verdict(other, tokens.access_token) == code[target]
            assert revoked.missing == ()


class TestEverywhereAcrossProcesses:
    """The same, for a verifier in a process of its own on SQLite."""

    async def test_another_process_refuses_at_once_and_a_stopped_one_when_it_wakes(self, tmp_path: Path) -> None:
        """A service beside the authority has the ending when the call returns; a stopped one costs the bound."""
        async with a_house("sqlite", tmp_path, replace(DEFAULT, staleness=QUICK)) as house:
            client = await house.app()
            await house.person()
            with VerifierProcess(house.url, ISSUER, ISSUER) as other:
                first, second = await house.sign_in_app(client), await house.sign_in_app(client)
                await until(lambda: other.verdict(revealed(first.access_token)) == "good")
                await until(lambda: other.verdict(revealed(second.access_token)) == "good")
                revoked = await house.authority.revoke(first.session, because="test", strength="everywhere")
                assert other.verdict(revealed(first.access_token)) in ("session.ended", "lease.lapsed")
                assert len(revoked.acked) + len(revoked.missing) == 2
                other.freeze()
                revoked = await house.authority.revoke(second.session, because="test", strength="everywhere")
                assert [name.split("-")[0] for name in revoked.missing] == ["process"]
                other.ask(revealed(second.access_token))
                other.thaw()
                assert other.answer() in ("lease.lapsed", "session.ended")
                await until(lambda: other.verdict(revealed(second.access_token)) == "session.ended")
