"""Bounded: after an ending is logged, no verifier accepts later than the lease bound."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tallystick import Verifier
from tallystick.core.secret import Secret
from tests.support.house import QUICK, House, until, verdict

pytestmark = pytest.mark.anyio


async def last_acceptance(
    house: House, other: Verifier, token: Secret, end: Callable[[], Awaitable[Any]]
) -> tuple[float, str]:
    """Ends something, then asks the verifier again and again, for more than twice the bound.

    Returns:
        How long after the append it accepted for the last time, and what it said in the end.
    """
    await end()
    appended_at, accepted_at = house.time.boot(), 0.0
    code = "good"
    while house.time.boot() < appended_at + 2.2 * QUICK.bound_s:
        asked_at = house.time.boot()
        code = verdict(other, token)
        if code == "good":
            accepted_at = asked_at
        await asyncio.sleep(0.004)
    return accepted_at - appended_at, code


class TestBounded:
    """`strength="logged"` is true everywhere within the bound, whatever happens to a verifier."""

    async def test_a_verifier_that_hears_the_log_refuses_well_before_the_bound(self, quick: House) -> None:
        """An ending that is only logged still arrives at once where nothing is broken."""
        house = quick
        client = await house.app()
        await house.person()
        tokens = await house.sign_in_app(client)
        async with house.verifier() as other:
            await until(lambda: verdict(other, tokens.access_token) == "good")
            late_s, code = await last_acceptance(
                house, other, tokens.access_token, lambda: house.authority.revoke(tokens.session, because="test")
            )
        assert code == "session.ended"
        assert late_s <= QUICK.bound_s

    @pytest.mark.parametrize("trouble", ["cut", "freeze"])
    async def test_a_verifier_that_hears_nothing_stops_at_the_bound(self, quick: House, trouble: str) -> None:
        """Cut off right before the ending, a verifier accepts for what is left of its lease and not longer."""
        house = quick
        client = await house.app()
        await house.person()
        tokens = await house.sign_in_app(client)
        log = house.log()
        async with house.verifier(follow=log) as other:
            await until(lambda: verdict(other, tokens.access_token) == "good")

            async def end() -> None:
                getattr(log, trouble)()
                await house.authority.revoke(tokens.session, because="test")

            late_s, code = await last_acceptance(house, other, tokens.access_token, end)
            log.mend()
        assert code == "lease.lapsed"
        assert late_s <= QUICK.bound_s

    async def test_the_lease_counts_from_when_the_beat_was_sent(self, quick: House) -> None:
        """An answer that was computed before the ending and arrives long after it gives no new time."""
        house = quick
        client = await house.app()
        await house.person()
        tokens = await house.sign_in_app(client)
        log = house.log()
        async with house.verifier(follow=log) as other:
            await until(lambda: verdict(other, tokens.access_token) == "good")

            async def end() -> None:
                log.answers_take_s = QUICK.lease_s * 0.9
                beats = log.beats
                await until(lambda: log.beats > beats)
                # This answer has left the log; it does not know of the ending, and nothing comes after it.
                await house.authority.revoke(tokens.session, because="test")
                log.cut()

            late_s, code = await last_acceptance(house, other, tokens.access_token, end)
            log.mend()
        assert code in ("lease.lapsed", "session.ended")
        assert late_s <= QUICK.bound_s

    async def test_the_result_says_from_when_on_it_is_true(self, quick: House) -> None:
        """`effective_at` is the append plus the bound, on the boot clock of the caller."""
        house = quick
        client = await house.app()
        await house.person()
        tokens = await house.sign_in_app(client)
        before = house.time.boot()
        revoked = await house.authority.revoke(tokens.session, because="test")
        assert before + QUICK.bound_s <= revoked.effective_at <= house.time.boot() + QUICK.bound_s

    async def test_the_bound_allows_for_clocks_that_differ(self) -> None:
        """The bound is the lease and what two clocks may differ by in that time, and more than the lease alone."""
        assert QUICK.bound_s == pytest.approx(0.6 + 2 * 500e-6 * 0.6 + 0.05)
        assert QUICK.bound_s > QUICK.lease_s
