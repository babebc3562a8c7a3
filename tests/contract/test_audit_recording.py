"""An act and its entry in the audit trail are one commit: both are there, or neither, on memory and on SQLite."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tallystick.audit.check import Broken, Good, verify_entries, verify_lines
from tallystick.audit.lines import CHECKPOINT, line_of
from tallystick.authority import jobs
from tallystick.authority.acting import acting, acting_as
from tallystick.authority.recording import checkpoint, flush_trail
from tallystick.authority.trail import WAITING_MAX
from tallystick.core.session.decision import Event
from tallystick.errors import AuthenticationFailed, LastAdministrator, Unavailable
from tallystick.identity.account import ADMIN_PERMISSION
from tallystick.observe.catalogue import AUDIT_DROPPED, REFRESHES
from tallystick.observe.counts import Counts
from tallystick.observe.metering import Metering
from tests.support.house import ADA, BOB, NETWORK, NEW_PASSWORD, PASSWORD, House, code_of
from tests.support.pytest_house import anyio_backend, house, kind, quick

__all__ = ["anyio_backend", "house", "kind", "quick"]
pytestmark = pytest.mark.anyio


async def trail(house: House) -> list[Any]:
    """Gives the whole trail, in order."""
    return list(await house.door.store.audit_page(0, 10_000))


async def names(house: House) -> list[str]:
    """Gives what was recorded, in order, without what the authority does by itself."""
    return [one.name for one in await trail(house) if not one.name.startswith(("audit.", "keys.advanced"))]


async def whole(house: House) -> Good | Broken:
    """Checks the trail with the root key."""
    entries = await trail(house)
    return verify_entries(entries, await house.door.store.audit_head(), house.authority.world.sealer.is_mac)


async def test_each_act_of_a_person_is_recorded_with_it(house: House) -> None:
    """Sign-up, sign-in, step-up, password change and sign-out are in the trail, in order, with whom they concern."""
    ada = await house.person()
    signed = await house.sign_in(label="a browser")
    again = await house.authority.change_password(signed.cookie.reveal(), PASSWORD, NEW_PASSWORD, network=NETWORK)
    await house.authority.sign_out(again.view)
    assert await names(house) == [
        "account.created",
        "session.opened",
        "password.changed",
        "session.ended_all_but",
        "session.ended",
    ]
    entries = [one for one in await trail(house) if one.name != "keys.advanced" and not one.name.startswith("audit.")]
    assert {one.principal for one in entries} == {str(ada.id)}
    assert {one.actor for one in entries} == {str(ada.id)}
    assert isinstance(await whole(house), Good)


async def test_what_apps_do_all_day_gains_no_write(house: House) -> None:
    """A rotation, a repetition, a minted token and a service's token write nothing into the trail."""
    await house.person()
    app = await house.app()
    tokens = await house.sign_in_app(app)
    signed = await house.sign_in()
    service, secret = await house.service()
    await house.authority.client_credentials(client_id=service.id, client_secret=secret, network=NETWORK)
    before, commits = len(await trail(house)), len(house.door.commits)
    first = await house.refresh(tokens.refresh_token, app)
    await house.refresh(tokens.refresh_token, app)
    await house.refresh(first.refresh_token, app)
    await house.mint(signed.cookie)
    await house.authority.client_credentials(client_id=service.id, client_secret=secret, network=NETWORK)
    assert len(await trail(house)) == before
    assert [len(one) for one in house.door.commits[commits:]] == [1, 1]


async def test_a_sign_in_gains_one_row_in_its_own_commit(house: House) -> None:
    """A sign-in commits its session and one entry, in one step."""
    await house.person()
    before = len(house.door.commits)
    await house.sign_in()
    (writes,) = house.door.commits[before:]
    assert [type(one).__name__ for one in writes] == ["OpenSession", "Record"]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_act_that_failed_is_not_recorded_and_one_that_was_done_is(house: House, when: str) -> None:
    """Trouble before the commit leaves neither session nor entry; trouble after it leaves both."""
    ada = await house.person()

    async def trouble(name: str, _: int) -> None:
        if name == "commit":
            raise Unavailable("the store is away")

    around = house.door.with_before if when == "before" else house.door.with_after
    with around(trouble):
        assert await code_of(house.sign_in()) == "unavailable"
    sessions = await house.authority.sessions_of(ada.id)
    assert (await names(house)).count("session.opened") == len(sessions) == (0 if when == "before" else 1)
    assert isinstance(await whole(house), Good)


async def test_a_session_that_is_driven_out_is_recorded_too(house: House) -> None:
    """When somebody else signs in in the same browser, the session that ends for it is in the trail."""
    await house.person()
    await house.person(BOB)
    first = await house.sign_in()
    await house.sign_in(BOB, cookie=first.cookie.reveal())
    ended = [one for one in await trail(house) if one.name == "session.ended"]
    assert [(one.session, dict(one.facts)) for one in ended] == [(str(first.view.id), {"because": "replaced"})]


async def test_who_asked_and_why_are_recorded(house: House) -> None:
    """An operator's act carries who, from where, in which request and why; after the act nobody acts any more."""
    ada = await house.person()
    with acting_as(actor="operator:root", network="203.0.113.77", request="r-1", because="she asked"):
        await house.authority.grant(ada.id, "notes:admin", because="for the audit")
        await house.authority.revoke(ada.id, because="laptop stolen", strength="everywhere")
    assert acting().actor == ""
    await flush_trail(house.authority.world)
    found = {one.name: one for one in await trail(house)}
    permitted, cut = found["account.permitted"], found["cut.made"]
    assert (permitted.actor, permitted.network, permitted.request) == ("operator:root", "203.0.113.77", "r-1")
    assert (permitted.because, cut.because, cut.principal) == ("for the audit", "laptop stolen", str(ada.id))
    everywhere = dict(found["ending.everywhere"].facts)
    assert everywhere["acked"] == "1"
    assert everywhere["position"] == (await house.authority.head()).text()
    assert " ms" in everywhere["acked_by"]


async def test_a_reused_refresh_token_is_recorded_with_its_session(house: House) -> None:
    """A theft that shows is in the trail with whose session it was."""
    ada = await house.person()
    app = await house.app()
    tokens = await house.sign_in_app(app)
    second = await house.refresh(tokens.refresh_token, app)
    await house.refresh(second.refresh_token, app)
    assert await code_of(house.refresh(tokens.refresh_token, app)) == "refresh.reused"
    entry = (await trail(house))[-1]
    assert (entry.name, entry.principal, entry.client) == ("session.ended", str(ada.id), str(app))
    assert dict(entry.facts) == {"because": "reuse"}


async def test_the_same_act_many_times_in_a_second_is_one_entry(house: House) -> None:
    """A storm of what changes nothing costs one entry a second, which says how often it happened."""
    await house.person()
    world = house.authority.world
    for _ in range(500):
        world.events.tell((Event("authentication.failed", None, (("method", "password"), ("network", NETWORK))),))
    await flush_trail(world)
    entry = (await trail(house))[-1]
    assert (entry.name, entry.actor, entry.network) == ("authentication.failed", "", NETWORK)
    assert dict(entry.facts) == {"method": "password", "times": "500"}
    await flush_trail(world)
    assert (await trail(house))[-1] == entry


async def test_what_finds_no_room_is_counted(house: House) -> None:
    """Memory is bounded: of very many different acts in a second some are only counted, and the trail says how many."""
    world, counts = house.authority.world, Counts((AUDIT_DROPPED, REFRESHES))
    world.meter = Metering(counts)
    for number in range(WAITING_MAX + 40):
        world.events.tell((Event("refresh.refused", None, (("n", str(number)),)),))
    await flush_trail(world)
    entries = await trail(house)
    assert sum(one.name == "refresh.refused" for one in entries) == WAITING_MAX
    assert (entries[-1].name, dict(entries[-1].facts)) == ("audit.dropped", {"times": "40"})
    assert counts.readings()[AUDIT_DROPPED] == {(): 40}


async def test_what_waits_survives_trouble_of_the_store(house: House) -> None:
    """While the store is away nothing is lost; it is written when the store is back."""
    world = house.authority.world
    world.events.tell((Event("refresh.refused", None, ()),))

    async def trouble(name: str, _: int) -> None:
        raise Unavailable("the store is away")

    with house.door.with_before(trouble):
        assert await code_of(flush_trail(world)) == "unavailable"
    await flush_trail(world)
    assert (await names(house))[-1] == "refresh.refused"


async def test_a_checkpoint_proves_what_is_there_and_only_once(house: House) -> None:
    """A proof is written after something was recorded, covers everything before it, and not again without need."""
    world = house.authority.world
    await house.person()
    assert await checkpoint(world)
    entries = await trail(house)
    assert entries[-1].name == CHECKPOINT
    assert await checkpoint(world)
    world.trail.unproved = True
    assert await checkpoint(world)
    assert len(await trail(house)) == len(entries)
    found = await whole(house)
    assert isinstance(found, Good)
    assert found.proved == entries[-1].seq - 1


async def test_nothing_is_proved_that_does_not_fit(house: House) -> None:
    """A process that finds the trail altered makes no proof over it, and says so."""
    await house.person()
    await house.sign_in()
    store = house.door.store
    alter(house)
    house.authority.world.trail.proved = None
    house.authority.world.trail.unproved = True
    before = len(await trail(house))
    assert not await checkpoint(house.authority.world)
    assert len(await store.audit_page(0, 1000)) == before
    told = [one for one in house.events if one.name == "audit.broken"]
    assert len(told) == 1
    assert isinstance(await whole(house), Broken)


def alter(house: House) -> None:
    """Changes who created an account, behind the store's back."""
    if house.kind == "memory":
        kept = house.door.store._state.audit
        kept[:] = [replace(one, actor="nobody") if one.name == "account.created" else one for one in kept]
        return
    with closing(sqlite3.connect(house.folder / "tallystick.db", timeout=10)) as connection, connection:
        connection.execute("UPDATE ts_audit SET actor = 'nobody' WHERE name = 'account.created'")


async def test_a_process_that_ends_writes_what_waits_and_proves_it(house: House) -> None:
    """Closing loses nothing and leaves a trail that is proved to its end."""
    await house.person()
    world = house.authority.world
    world.events.tell((Event("refresh.refused", None, ()),))
    await jobs.close_trail(world)
    entries = await trail(house)
    assert [one.name for one in entries[-2:]] == ["refresh.refused", CHECKPOINT]


async def test_two_administrators_cannot_disable_each_other(house: House) -> None:
    """Of two who disable each other at the same instant one finds that nobody else is left."""
    one = await house.person(ADA, frozenset({ADMIN_PERMISSION}))
    two = await house.person(BOB, frozenset({ADMIN_PERMISSION}))
    results = await asyncio.gather(
        house.authority.disable_account(one.id, because="x", keep_an_administrator=True),
        house.authority.disable_account(two.id, because="x", keep_an_administrator=True),
        return_exceptions=True,
    )
    assert sum(isinstance(result, LastAdministrator) for result in results) == 1
    accounts = await house.authority.accounts()
    assert sum(account.enabled for account in accounts) == 1


async def test_no_secret_is_in_the_trail(house: House, tmp_path: Path) -> None:
    """After every kind of sign-in, refresh, refusal and ending, no live or dead credential is in any entry."""
    await house.person()
    app = await house.app()
    service, secret = await house.service()
    signed = await house.sign_in(label="a browser", cookie=None)
    tokens = await house.sign_in_app(app)
    second = await house.refresh(tokens.refresh_token, app)
    minted = await house.mint(signed.cookie)
    stepped = await house.sign_in(cookie=signed.cookie.reveal())
    granted = await house.authority.client_credentials(client_id=service.id, client_secret=secret, network=NETWORK)
    guess = secrets.token_urlsafe(12)
    with pytest.raises(AuthenticationFailed):
        await house.authority.sign_in(ADA, guess, network=NETWORK)
    await code_of(house.refresh(guess, app))
    await code_of(house.authority.client_credentials(client_id=service.id, client_secret=guess, network=NETWORK))
    _, new_secret = await house.authority.rotate_secret(service.id, because="x")
    await house.authority.withdraw_old_secret(service.id, because="x")
    await house.authority.rotate_keys(because="x")
    await jobs.close_trail(house.authority.world)
    written = "\n".join(line_of(one) for one in await trail(house))
    hidden = [PASSWORD, guess, secret, new_secret.reveal(), signed.cookie.reveal(), stepped.cookie.reveal()]
    hidden += [
        one.reveal() for one in (tokens.access_token, second.access_token, minted.access_token, granted.access_token)
    ]
    hidden += [one.refresh_token.reveal() for one in (tokens, second) if one.refresh_token is not None]
    for one in hidden:
        assert one not in written
        assert one.split(".")[-1] not in written
    assert isinstance(await whole(house), Good)
    assert isinstance(verify_lines(written.splitlines()), Broken)
