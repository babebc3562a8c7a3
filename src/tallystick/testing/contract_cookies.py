"""The contract of cookies: what a digest stands for, read for a near-cache."""

from __future__ import annotations

from dataclasses import replace

from tallystick.core.ids import BROWSER_CLIENT, PrincipalId
from tallystick.core.revocation.entry import Kind
from tallystick.core.secret import Digest
from tallystick.core.session.decision import UpdateSession
from tallystick.core.session.model import Authentication, BrowserHolder
from tallystick.ports import PutAccount
from tallystick.testing.contract_base import Contract
from tallystick.testing.stage import Stage


class Cookies(Contract):
    """What a cookie stands for."""

    async def test_a_cookie_stands_for_its_session(self, stage: Stage) -> None:
        """Resolving gives the view of each cookie, in order: permissions, level, times, and the position of the read."""
        account = await stage.account()
        row = await stage.open(await stage.a_browser())
        proof = Authentication(stage.now, ("hwk",), "urn:tallystick:passkey")
        stepped = replace(
            row, authentications=(*row.authentications, proof),
            holder=BrowserHolder(Digest.of("new"), Digest.of("cookie of browser"), stage.now + 60, 1),
        )  # fmt: skip
        await stage.commit(UpdateSession(stepped))
        digests = [Digest.of("nobody"), Digest.of("new"), Digest.of("cookie of browser")]
        nobody, current, before = await stage.store.resolve(digests)
        assert (nobody.view, nobody.because) == (None, "missing")
        assert current.view is not None
        assert before.view is not None
        assert current.read_at == current.view.tal == await stage.store.head()
        assert current.good_until == current.view.expires_at == row.idle_end_at
        assert before.good_until == before.view.expires_at == stage.now + 60
        assert (current.view.id, current.view.principal, current.view.client) == (row.id, account.id, BROWSER_CLIENT)
        assert current.view.scopes == account.permissions
        assert (current.view.acr, current.view.amr) == ("urn:tallystick:passkey", ("hwk",))
        assert (before.view.acr, before.view.amr) == ("urn:tallystick:password", ("pwd",))
        assert current.view.credential == "cookie"

    async def test_a_cookie_stands_for_nothing_when_its_session_is_over(self, stage: Stage) -> None:
        """Ended, disabled, cut or out of time: resolving says which, and gives no view."""
        ada = await stage.account()
        bob, eve = await stage.account("bob"), await stage.account("eve")
        ended = await stage.open(await stage.a_browser("ended"))
        await stage.open(await stage.a_browser("cut", owner="bob"))
        await stage.open(await stage.a_browser("off", owner="eve"))
        await stage.open(await stage.a_browser("late"))
        await stage.close_session(ended)
        await stage.cut(Kind.PRINCIPAL, bob.id)
        await stage.commit(PutAccount(replace(eve, enabled=False)))
        stage.clock.pass_time(7200)
        fresh = await stage.open(await stage.a_browser("fresh"))
        digests = [Digest.of(f"cookie of {name}") for name in ("ended", "cut", "off", "late", "fresh")]
        fills = await stage.store.resolve(digests)
        assert [fill.because for fill in fills] == ["ended", "ended", "ended", "expired", ""]
        assert [fill.view is None for fill in fills] == [True, True, True, True, False]
        assert fresh.principal == PrincipalId(ada.id)

    async def test_a_previous_cookie_ends_at_its_own_time(self, stage: Stage) -> None:
        """A minute after a step-up the cookie from before it is good for nothing, while the session lives."""
        await stage.account()
        row = await stage.open(await stage.a_browser())
        holder = BrowserHolder(Digest.of("new"), Digest.of("cookie of browser"), stage.now + 60, 1)
        await stage.commit(UpdateSession(replace(row, holder=holder)))
        stage.clock.pass_time(60)
        before, current = await stage.store.resolve([Digest.of("cookie of browser"), Digest.of("new")])
        assert (before.view, before.because) == (None, "expired")
        assert current.view is not None
