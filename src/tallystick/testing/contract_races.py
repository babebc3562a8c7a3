"""The contract of races: both sides have loaded, then commit in an order that is written down; exactly one wins."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tallystick.core.revocation.entry import Ending, Kind
from tallystick.core.session.decision import Append, EndSession, OpenSession, UpdateSession
from tallystick.core.session.model import AppHolder, Session
from tallystick.errors import Conflict
from tallystick.identity.throttle import Attempts
from tallystick.ports import PutAccount, PutKeys, Store, Write
from tallystick.testing.contract_base import Contract
from tallystick.testing.sequencer import Sequencer
from tallystick.testing.stage import Stage, a_key

ORDERS = pytest.mark.parametrize("order", [("a", "b"), ("b", "a")], ids=["a first", "b first"])
Order = tuple[str, str]


async def raced(stage: Stage, order: Order, first: Sequence[Write], second: Sequence[Write]) -> dict[str, bool]:
    """Commits `a` and `b` from two stores in an order; says who won."""
    sequencer, other = Sequencer(*order), await stage.another()

    async def contend(name: str, store: Store, writes: Sequence[Write]) -> bool:
        async with sequencer.step(name):
            try:
                await store.commit(writes, now=stage.now)
            except Conflict:
                return False
        return True

    won = await asyncio.gather(contend("a", stage.store, first), contend("b", other, second))
    return dict(zip("ab", won, strict=True))


def rotated(session: Session, at: int) -> UpdateSession:
    """Gives the next rotation of an app's session."""
    assert isinstance(session.holder, AppHolder)
    holder = replace(session.holder, generation=session.holder.generation + 1, rotated_at=at)
    return UpdateSession(replace(session, holder=holder))


class Races(Contract):
    """Of two that loaded the same, one wins; an ending always does."""

    @ORDERS
    async def test_two_rotations_are_one(self, stage: Stage, order: Order) -> None:
        """Whoever commits first rotates; the other is told to look again."""
        await stage.account()
        app = await stage.open(await stage.an_app())
        won = await raced(stage, order, [rotated(app, stage.now + 1)], [rotated(app, stage.now + 2)])
        assert won == {order[0]: True, order[1]: False}
        found = await stage.session(app.id)
        assert isinstance(found.holder, AppHolder)
        assert found.holder.generation == 1
        assert found.holder.rotated_at == stage.now + (1 if order[0] == "a" else 2)

    @ORDERS
    async def test_an_ending_beats_a_rotation(self, stage: Stage, order: Order) -> None:
        """In either order the session is over; a rotation that comes second is refused."""
        await stage.account()
        app = await stage.open(await stage.an_app())
        won = await raced(stage, order, [rotated(app, stage.now)], [EndSession(app.id, "revoked")])
        assert won == {"a": order[0] == "a", "b": True}
        assert (await stage.session(app.id)).ended is not None

    @ORDERS
    async def test_an_ending_beats_an_opening_from_it(self, stage: Stage, order: Order) -> None:
        """What is opened from a session first ends with it; what comes second is refused: nothing slips through."""
        await stage.account()
        browser = await stage.open(await stage.a_browser())
        app = replace(await stage.an_app(), opened_from=browser.id, bound=True)
        won = await raced(stage, order, [OpenSession(app, raises=browser)], [EndSession(browser.id, "signed out")])
        assert won == {"a": order[0] == "a", "b": True}
        found = (await stage.store.facts_of_session(app.id)).session
        assert found is None if order[0] == "b" else found is not None and found.ended is not None

    @ORDERS
    @pytest.mark.parametrize("kind", [Kind.PRINCIPAL, Kind.CLIENT, Kind.ALL])
    async def test_a_cut_beats_an_opening_that_was_born_before(self, stage: Stage, order: Order, kind: Kind) -> None:
        """A sign-in that rests on what was there before a cut leaves no session that stands, whoever commits first."""
        await stage.account()
        app = await stage.an_app()
        name = {Kind.PRINCIPAL: str(app.principal), Kind.CLIENT: "notes-app", Kind.ALL: ""}[kind]
        won = await raced(stage, order, [OpenSession(app)], [Append(Ending(kind, name))])
        assert won == {"a": order[0] == "a", "b": True}
        assert await stage.store.sessions_of(app.principal) == []
        facts = await stage.store.facts_of_session(app.id)
        assert facts.session is None or facts.cuts.newest > facts.session.born

    @ORDERS
    async def test_a_service_gets_one_session(self, stage: Stage, order: Order) -> None:
        """Two processes that open the session of the same client open one."""
        await stage.client("export", kind="service")
        first, second = await stage.a_service("first"), await stage.a_service("second")
        won = await raced(stage, order, [OpenSession(first, sole=True)], [OpenSession(second, sole=True)])
        assert won == {order[0]: True, order[1]: False}
        found = (await stage.store.facts_of_client(first.holder.client)).session  # type: ignore[union-attr]
        assert found == (first if order[0] == "a" else second)

    @ORDERS
    async def test_two_changes_of_an_account_are_one(self, stage: Stage, order: Order) -> None:
        """The second change of what both had loaded is refused, so no change is overwritten unseen."""
        account = await stage.account()
        changes = [PutAccount(replace(account, permissions=frozenset({name}))) for name in "ab"]
        won = await raced(stage, order, changes[:1], changes[1:])
        assert won == {order[0]: True, order[1]: False}
        stored = (await stage.store.facts_of_account(account.id)).account
        assert stored is not None
        assert stored.permissions == {order[0]}

    @ORDERS
    async def test_two_openings_from_one_session_are_one(self, stage: Stage, order: Order) -> None:
        """Both raise the same version, so the second looks again, and limits are counted from fresh rows."""
        await stage.account()
        browser = await stage.open(await stage.a_browser())
        apps = [replace(await stage.an_app(name), opened_from=browser.id, bound=True) for name in "ab"]
        won = await raced(stage, order, *([OpenSession(app, raises=browser)] for app in apps))
        assert won == {order[0]: True, order[1]: False}

    @ORDERS
    async def test_two_rotations_of_the_keys_are_one(self, stage: Stage, order: Order) -> None:
        """Of two processes that find a step due, one does it."""
        won = await raced(stage, order, [PutKeys((a_key("a"),), 0)], [PutKeys((a_key("b"),), 0)])
        assert won == {order[0]: True, order[1]: False}
        keys, version = await stage.store.keys()
        assert ([key.kid for key in keys], version) == ([order[0]], 1)

    async def test_of_many_at_once_one_rotates(self, stage: Stage) -> None:
        """Sixteen rotations of one session from two stores, all under way at the same time, are one."""
        await stage.account()
        app, other = await stage.open(await stage.an_app()), await stage.another()
        got = await asyncio.gather(
            *(
                store.commit((rotated(app, stage.now + n),), now=stage.now)
                for n in range(8)
                for store in (stage.store, other)
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(one, Conflict) for one in got) == 15
        assert (await stage.session(app.id)).version == 2

    async def test_commits_at_once_do_not_touch_each_other(self, stage: Stage) -> None:
        """Of commits that are under way together, those that lose leave no trace and the others are whole."""
        account = await stage.account()
        apps = [await stage.an_app(f"app {n}") for n in range(6)]
        stale = PutAccount(replace(account, version=9))
        got = await asyncio.gather(
            *(
                stage.commit(OpenSession(app), Append(Ending(Kind.KEY, app.id)), *([stale] if n % 2 else []))
                for n, app in enumerate(apps)
            ),
            return_exceptions=True,
        )
        assert [isinstance(one, Conflict) for one in got] == [False, True] * 3
        stored = [(await stage.store.facts_of_session(app.id)).session for app in apps]
        assert stored == [None if n % 2 else app for n, app in enumerate(apps)]
        assert (await stage.store.head()).seq == 3

    async def test_attempts_at_once_all_count(self, stage: Stage) -> None:
        """A hundred guesses that are sent together, through two stores, are a hundred guesses."""
        other = await stage.another()
        before = await asyncio.gather(
            *(
                store.count("k", lambda held: Attempts(held.failures + 1, 1))
                for _ in range(50)
                for store in (stage.store, other)
            )
        )
        assert sorted(one.failures for one in before) == list(range(100))
