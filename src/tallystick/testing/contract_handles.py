"""The contract of handles and of the audit trail: consumed once, in the commit of what they open; recorded with the act."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tallystick.audit import GENESIS, AuditEntry, placed
from tallystick.core.ids import ClientId
from tallystick.core.secret import Digest
from tallystick.core.session.decision import OpenSession
from tallystick.core.session.handle import Handle
from tallystick.errors import Conflict
from tallystick.identity.authenticators import Authenticators, Passkey, Totp
from tallystick.ports import DropHandles, PutAccount, PutHandle, Record, RedeemHandle
from tallystick.testing.contract_base import Contract
from tallystick.testing.stage import Stage, principal_id, session_id


async def a_handle(stage: Stage, name: str = "one", **more: object) -> Handle:
    """Describes a handle that is not stored yet."""
    plain = Handle(Digest.of(name), "pending", 0, await stage.store.head(), stage.now, stage.now + 600)
    return replace(plain, **more)  # type: ignore[arg-type]


class Handles(Contract):
    """A handle is redeemed exactly once, or not at all."""

    async def test_every_field_of_a_handle_comes_back(self, stage: Stage) -> None:
        """What was put is found again, with the version raised; what was never put is not found."""
        whole = await a_handle(
            stage,
            principal=principal_id("ada"),
            client=ClientId("app"),
            session=session_id("s"),
            facts={"stay": "1", "label": "a; phone"},
        )
        await stage.commit(PutHandle(whole), PutHandle(await a_handle(stage, "bare", kind="reset")))
        assert await stage.store.find_handle(whole.digest) == replace(whole, version=1)
        assert await stage.store.find_handle(Digest.of("bare")) == replace(
            await a_handle(stage, "bare", kind="reset"), version=1
        )
        assert await stage.store.find_handle(Digest.of("nothing")) is None

    async def test_a_handle_is_replaced_by_version(self, stage: Stage) -> None:
        """A handle that changed since it was loaded, is there already, or was consumed, conflicts."""
        handle = await a_handle(stage)
        await stage.commit(PutHandle(handle))
        loaded = await stage.store.find_handle(handle.digest)
        assert loaded is not None
        await stage.commit(PutHandle(replace(loaded, facts={"challenge": "x"})))
        for stale in (loaded, handle):
            with pytest.raises(Conflict):
                await stage.commit(PutHandle(stale))
        await stage.commit(RedeemHandle(handle.digest))
        with pytest.raises(Conflict):
            await stage.commit(PutHandle(replace(loaded, version=3)))

    async def test_a_handle_is_redeemed_once(self, stage: Stage) -> None:
        """The second redemption conflicts, and what it was to open is not there."""
        ada, handle = await stage.account(), await a_handle(stage)
        await stage.commit(PutHandle(handle))
        first, second = await stage.a_browser("first"), await stage.a_browser("second")
        await stage.commit(OpenSession(first), RedeemHandle(handle.digest, opened=first.id))
        with pytest.raises(Conflict):
            await stage.commit(OpenSession(second), RedeemHandle(handle.digest, opened=second.id))
        found = await stage.store.find_handle(handle.digest)
        assert found is not None
        assert (found.consumed_at, found.opened, found.version) == (stage.now, first.id, 2)
        assert [one.id for one in await stage.store.sessions_of(ada.id)] == [first.id]

    async def test_a_handle_past_its_time_is_not_redeemed(self, stage: Stage) -> None:
        """The instant at which it expires is too late; one that was never put is nobody's."""
        handle = await a_handle(stage, expires_at=stage.now + 1)
        await stage.commit(PutHandle(handle))
        stage.clock.pass_time(1)
        for digest in (handle.digest, Digest.of("nothing")):
            with pytest.raises(Conflict):
                await stage.commit(RedeemHandle(digest))

    async def test_of_many_that_redeem_at_once_one_wins(self, stage: Stage) -> None:
        """Sixteen redemptions of one handle through two stores, all under way together, are one."""
        handle, other = await a_handle(stage), await stage.another()
        await stage.commit(PutHandle(handle))
        got = await asyncio.gather(
            *(
                store.commit((RedeemHandle(handle.digest),), now=stage.now)
                for _ in range(8)
                for store in (stage.store, other)
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(one, Conflict) for one in got) == 15

    async def test_dropping_takes_one_kind_of_one_principal(self, stage: Stage) -> None:
        """Links that were sent before are worthless at once; those of others and of other kinds stay."""
        ada, bob = principal_id("ada"), principal_id("bob")
        kept = [await a_handle(stage, "b", principal=bob), await a_handle(stage, "k", principal=ada, kind="reset")]
        gone = [await a_handle(stage, "1", principal=ada), await a_handle(stage, "2", principal=ada)]
        await stage.commit(*(PutHandle(one) for one in (*kept, *gone)), DropHandles(ada, "pending"))
        for one in gone:
            with pytest.raises(Conflict):
                await stage.commit(RedeemHandle(one.digest))
        for one in kept:
            await stage.commit(RedeemHandle(one.digest))

    async def test_old_handles_are_swept(self, stage: Stage) -> None:
        """A handle is forgotten when its time is longer over than the retention, and not before."""
        old, late = await a_handle(stage, "old"), await a_handle(stage, "late", expires_at=stage.now + 700)
        await stage.commit(PutHandle(old), PutHandle(late))
        stage.clock.pass_time(600 + 50 + 1)
        await stage.store.sweep(stage.now, 50)
        assert await stage.store.find_handle(old.digest) is None
        assert await stage.store.find_handle(late.digest) is not None

    async def test_authenticators_come_back_with_their_account(self, stage: Stage) -> None:
        """A second factor is loaded and committed with the account, so that its version guards every code."""
        passkey = Passkey(b"\x00id", b"\xa5key", 7, 'the blue key; with "quotes"', ("usb", "nfc"), True, 3, 4)
        held = Authenticators(Totp(b"sealed\xff", 55, 1, 2), (passkey,), frozenset({Digest.of("a"), Digest.of("b")}), 9)
        ada = await stage.account(authenticators=held, verified_at=12)
        assert (await stage.store.facts_of_account(ada.id)).account == ada
        bare = replace(ada, authenticators=Authenticators(), verified_at=None)
        await stage.commit(PutAccount(bare))
        assert (await stage.store.facts_of_account("ada@example.com")).account == replace(bare, version=2)

    async def test_a_session_keeps_its_network(self, stage: Stage) -> None:
        """The address that a session was opened from is shown to its owner."""
        await stage.account()
        opened = await stage.open(await stage.a_browser(network="2001:db8::7"))
        assert (await stage.session(opened.id)).network == "2001:db8::7"


def an_act(name: str, **more: object) -> AuditEntry:
    """Describes an act."""
    return replace(AuditEntry(at=5, name=name), **more)  # type: ignore[arg-type]


class AuditTrail(Contract):
    """The trail is appended to with the act, in one chain."""

    async def test_the_trail_is_one_chain(self, stage: Stage) -> None:
        """Entries come back whole, in order, each chained to the one before, whatever store wrote them."""
        other = await stage.another()
        assert await stage.store.audit_head() == (0, GENESIS)
        whole = an_act(
            "account.disabled", actor="operator:root", principal="ada", session="s", client="c", network="192.0.2.1",
            request="r-1", because='she "left"\n', facts=(("a", "1"), ("b", "ü")),
        )  # fmt: skip
        await stage.commit(Record(an_act("one")), Record(whole))
        await other.commit((Record(an_act("three")),), now=stage.now)
        found = await stage.store.audit_page(0, 10)
        expected, chain = [], GENESIS
        for seq, act in enumerate((an_act("one"), whole, an_act("three")), 1):
            expected.append(placed(act, seq, chain))
            chain = expected[-1].chain
        assert found == expected
        assert await other.audit_head() == (3, chain)
        assert await stage.store.audit_page(1, 1) == expected[1:2]

    async def test_an_act_that_is_lost_leaves_no_entry(self, stage: Stage) -> None:
        """Act and entry are one step: a conflict records nothing and leaves no gap."""
        ada = await stage.account()
        with pytest.raises(Conflict):
            await stage.commit(Record(an_act("lost")), PutAccount(replace(ada, version=9)))
        await stage.commit(Record(an_act("kept")))
        assert [(one.seq, one.name) for one in await stage.store.audit_page(0, 10)] == [(1, "kept")]

    async def test_the_newest_are_told_first(self, stage: Stage) -> None:
        """The trail is read backwards in pages, also of one principal."""
        for number in range(1, 6):
            await stage.commit(Record(an_act(str(number), principal="ada" if number % 2 else "bob")))
        store = stage.store
        assert [one.name for one in await store.audit_recent(2)] == ["5", "4"]
        assert [one.name for one in await store.audit_recent(9, before=4)] == ["3", "2", "1"]
        assert [one.name for one in await store.audit_recent(2, principal="ada")] == ["5", "3"]
        assert [one.name for one in await store.audit_recent(9, before=5, principal="ada")] == ["3", "1"]

    async def test_entries_at_once_have_no_gap(self, stage: Stage) -> None:
        """Forty acts of two stores, all under way together, are forty places in one chain."""
        other = await stage.another()
        await asyncio.gather(
            *(store.commit((Record(an_act("x")),), now=1) for _ in range(20) for store in (stage.store, other))
        )
        found, chain = await stage.store.audit_page(0, 100), GENESIS
        assert [one.seq for one in found] == list(range(1, 41))
        for one in found:
            assert placed(one, one.seq, chain) == one
            chain = one.chain

    async def test_the_registry_tells_of_every_verifier(self, stage: Stage) -> None:
        """A verifier that is doubted is told as such, until it registers again."""
        log = stage.store.log()
        await asyncio.to_thread(log.open)
        await asyncio.to_thread(log.register, "v")
        try:
            await stage.store.doubt(["v"])
            (row,) = await stage.store.verifiers()
            assert (row.name, row.doubted) == ("v", True)
            await asyncio.to_thread(log.register, "v")
            (again,) = await stage.store.verifiers()
            assert (again.doubted, again.times) == (False, row.times + 1)
        finally:
            await asyncio.to_thread(log.close)
