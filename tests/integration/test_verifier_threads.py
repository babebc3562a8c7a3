"""A verifier with its thread, on a log in memory: leases, endings, cookies, keys, trouble."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tallystick.core.credentials.view import CookieFill, SessionView
from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import Ending, Kind, Position, Revocation
from tallystick.core.secret import Digest
from tallystick.errors import (
    CredentialExpired,
    CredentialMissing,
    CredentialOutdated,
    KeyUnknown,
    LeaseLapsed,
    Misconfigured,
    SessionEnded,
    Unavailable,
)
from tallystick.http import COOKIE_NAME
from tallystick.session_source import STATE_NAME
from tallystick.verifier import Verifier
from tallystick.verifier.clocks import SYSTEM, Clocks
from tests.unit.core.verification.plain_log import OUT_OF_ORDER, ThreadedLog
from tests.unit.verifier.minting import AUDIENCE, ISSUER, PRINCIPAL, Key, a_cookie, a_fill, a_session, key_set

KEY = Key()


@pytest.fixture
def log() -> ThreadedLog:
    """A log with a short lease."""
    return ThreadedLog(keys=key_set(KEY))


@pytest.fixture
def verifier(log: ThreadedLog) -> Iterator[Verifier]:
    """A verifier that holds a lease."""
    with Verifier(ISSUER, AUDIENCE, follow=log) as one:
        yield one


def eventually(holds: Callable[[], bool], within_s: float = 5.0) -> bool:
    """Whether something comes true in time."""
    until = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def refused(call: Callable[[], object]) -> str:
    """The code with which a call is refused, or `good`."""
    try:
        call()
    except (KeyUnknown, SessionEnded, CredentialOutdated, Unavailable) as error:
        return error.code
    return "good"


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_is_good_until_its_session_ends(log: ThreadedLog, verifier: Verifier) -> None:
    """A token passes, seen or not; after the ending is applied it does not, though its signature is still good."""
    session = a_session()
    token = KEY.mint(session)
    assert verifier.verify(token).id == session
    assert verifier.verify(token).id == session
    position = log.append(Ending(Kind.SESSION, session))
    assert verifier.applied_blocking(position)
    with pytest.raises(SessionEnded):
        verifier.verify(token)
    with pytest.raises(SessionEnded):
        verifier.verify(KEY.mint(session))
    assert verifier.state().applied == position
    assert verifier.state().epoch == 1
    assert verifier.state().entries == 1


def test_news_arrives_without_being_asked_for(log: ThreadedLog, verifier: Verifier) -> None:
    """An ending reaches the verifier by itself, long before its next beat is due."""
    token = KEY.mint(session := a_session())
    log.append(Ending(Kind.SESSION, session))
    assert eventually(lambda: refused(lambda: verifier.verify(token)) == "session.ended", 0.5)


def test_an_ending_for_everywhere_is_acked(log: ThreadedLog, verifier: Verifier) -> None:
    """Somebody who waits for every verifier hears of this one."""
    position = log.append(Ending(Kind.SESSION, a_session()), everywhere=True)
    me = verifier.state().verifier
    assert eventually(lambda: log.registry()[me] >= position)


def test_what_expires_is_refused_even_when_it_was_seen(log: ThreadedLog) -> None:
    """A token that passed once does not pass after its time."""
    offset = [0.0]
    clocks = Clocks(SYSTEM.boot, lambda: SYSTEM.wall() + offset[0])
    with Verifier(ISSUER, AUDIENCE, follow=log, clocks=clocks) as verifier:
        token = KEY.mint(a_session())
        verifier.verify(token)
        offset[0] = 400.0

        def expired() -> bool:
            try:
                verifier.verify(token)
            except LeaseLapsed:
                return False
            except CredentialExpired:
                return True
            return False

        assert eventually(expired)


def test_a_stopped_boot_clock_is_found_by_the_wall_clock(log: ThreadedLog) -> None:
    """A frozen machine wakes with its wall clock ahead: the lease goes, and a new beat brings it back."""
    offset = [0.0]
    seen: list[bool] = []
    clocks = Clocks(SYSTEM.boot, lambda: SYSTEM.wall() + offset[0])
    with Verifier(ISSUER, AUDIENCE, follow=log, clocks=clocks) as verifier:
        log.broken = OUT_OF_ORDER
        offset[0] = 1.0
        assert eventually(lambda: not verifier.leased(), 0.5)
        seen.append(verifier.leased())
        log.broken = None
        assert eventually(verifier.leased)
    assert seen == [False]


def test_a_stopped_process_does_not_trust_its_memory(log: ThreadedLog) -> None:
    """After a pause longer than the lease the first request is refused, whatever the follower's thread is doing."""
    offset = [0.0]
    clocks = Clocks(lambda: SYSTEM.boot() + offset[0], lambda: SYSTEM.wall() + offset[0])
    with Verifier(ISSUER, AUDIENCE, follow=log, clocks=clocks) as verifier:
        token = KEY.mint(a_session())
        verifier.verify(token)
        log.broken = OUT_OF_ORDER
        offset[0] = 30.0
        with pytest.raises(LeaseLapsed):
            verifier.verify(token)
        log.broken = None
        assert eventually(lambda: refused(lambda: verifier.verify(token)) == "good")


# ── the log in trouble ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("trouble", [OUT_OF_ORDER, RuntimeError("a driver's own"), Misconfigured("changed")], ids=repr)
def test_without_the_log_it_lapses_and_then_heals(log: ThreadedLog, verifier: Verifier, trouble: Exception) -> None:
    """A log that cannot be reached costs nothing for a lease, then every answer is 503; afterwards all is well again."""
    token = KEY.mint(a_session())
    verifier.verify(token)
    log.broken = trouble
    assert refused(lambda: verifier.verify(token)) == "good"
    assert eventually(lambda: refused(lambda: verifier.verify(token)) == "lease.lapsed", 2.0)
    assert verifier.state().counters["failures"] > 0
    log.broken = None
    assert eventually(lambda: refused(lambda: verifier.verify(token)) == "good")
    assert log.opened > 1


def test_a_log_that_was_put_back_is_not_trusted(log: ThreadedLog, verifier: Verifier) -> None:
    """A restored log is refused until its new epoch, and what was lost in it stays ended."""
    session, other = a_session(), a_session()
    verifier.applied_blocking(log.append(Ending(Kind.SESSION, session)))
    log.log.restore(epoch=9, keep=0)
    verifier.wake()
    assert eventually(lambda: verifier.state().forked, 1.0)
    assert refused(lambda: verifier.verify(KEY.mint(other))) == "lease.lapsed"
    assert eventually(verifier.leased)
    assert verifier.state().epoch == 9
    assert refused(lambda: verifier.verify(KEY.mint(session, tal=Position(9, 1)))) == "session.ended"
    assert refused(lambda: verifier.verify(KEY.mint(other))) == "credential.outdated"
    assert refused(lambda: verifier.verify(KEY.mint(other, tal=Position(9, 1)))) == "good"


def test_a_token_from_the_future_of_the_log_stops_trust_in_it(log: ThreadedLog, verifier: Verifier) -> None:
    """A good signature over a position that the log does not know means that the log has lost something."""
    verifier.verify(KEY.mint(a_session(), tal=Position(1, 99)))
    assert eventually(lambda: verifier.state().forked, 2.0)
    assert not verifier.leased()


def test_without_a_first_lease_it_does_not_start(log: ThreadedLog) -> None:
    """Starting fails when there is no lease in time, and leaves nothing behind."""
    log.broken = OUT_OF_ORDER
    verifier = Verifier(ISSUER, AUDIENCE, follow=log)
    with pytest.raises(Unavailable):
        verifier.start(timeout_s=0.2)
    log.broken = None
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("tallystick-")]
    with verifier:
        assert verifier.leased()


def test_a_header_that_says_something_else_is_a_mistake(log: ThreadedLog) -> None:
    """A verifier whose own constants differ from the log's refuses to start."""
    with pytest.raises(Misconfigured, match="log header"):
        Verifier(ISSUER, AUDIENCE, follow=log, staleness=Staleness()).start()
    with Verifier(ISSUER, AUDIENCE, follow=log, staleness=log.staleness) as verifier:
        verifier.start()
        assert log.opened == 2


def test_a_clean_end_leaves_no_row(log: ThreadedLog) -> None:
    """Who stops gives the lease back and takes the row away, so that nobody waits for it."""
    with Verifier(ISSUER, AUDIENCE, follow=log, name="export") as verifier:
        (me,) = log.registry()
        assert me.startswith("export-")
    assert log.registry() == {}
    assert log.closed == 1
    assert not verifier.leased()


def test_a_row_that_cannot_be_removed_is_left_to_the_sweeper(log: ThreadedLog) -> None:
    """A log in trouble does not keep a service from stopping."""
    with Verifier(ISSUER, AUDIENCE, follow=log):
        log.broken = OUT_OF_ORDER
    assert log.closed >= 1


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_key_is_found_when_it_is_met(log: ThreadedLog, verifier: Verifier) -> None:
    """A token of a key that was published since is good at once; one of a key that nobody published never is."""
    new = Key()
    log.keys = key_set(KEY, new)
    session = a_session()
    assert verifier.verify(new.mint(session)).id == session
    with pytest.raises(KeyUnknown):
        verifier.verify(Key().mint(session))


def test_a_revoked_key_is_out_for_good(log: ThreadedLog, verifier: Verifier) -> None:
    """What a lost key signed falls with the entry, seen before or not, and the key set does not bring it back."""
    seen, kid = KEY.mint(a_session()), KEY.jwk["kid"]
    verifier.verify(seen)
    assert verifier.applied_blocking(log.append(Ending(Kind.KEY, kid)))
    for token in (seen, KEY.mint(a_session())):
        with pytest.raises(KeyUnknown):
            verifier.verify(token)
    assert json.loads(verifier.published_keys()) == {"keys": []}
    assert json.loads(log.keys)["keys"][0]["kid"] == kid


def test_keys_that_cannot_be_read_are_our_trouble(log: ThreadedLog, verifier: Verifier) -> None:
    """While the key set cannot be read, an unknown key is 503, and what is known still works."""
    good, new = KEY.mint(a_session()), Key()
    log.keys = b"<html>"
    assert refused(lambda: verifier.verify(new.mint(a_session()))) == "unavailable"
    assert verifier.verify(good)
    assert json.loads(verifier.published_keys())["keys"]


def test_published_keys_are_as_the_store_has_them(log: ThreadedLog, verifier: Verifier) -> None:
    """The published key set is read when it is asked for."""
    log.keys = key_set(KEY, Key())
    assert verifier.published_keys() == log.keys


# ── cookies ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def together(*calls: Awaitable[Any]) -> list[Any]:
    """Awaits several at once."""
    return list(await asyncio.gather(*calls, return_exceptions=True))


def test_misses_of_one_tick_are_one_query(log: ThreadedLog, verifier: Verifier) -> None:
    """Many new cookies at once cost one read; the same ones again cost none."""
    cookies = [a_cookie() for _ in range(20)]
    sessions = [a_session() for _ in cookies]
    log.fills.update({digest: a_fill(one) for (_, digest), one in zip(cookies, sessions, strict=True)})

    async def story() -> None:
        values = [value for value, _ in cookies]
        views = await together(*(verifier.view_of_cookie(value) for value in values * 2))
        assert [view.id for view in views] == sessions * 2
        assert await together(*(verifier.view_of_cookie(value) for value in values)) == views[:20]

    asyncio.run(story())
    assert [len(asked) for asked in log.resolved] == [20]
    assert verifier.state().counters["cookie_reads"] == 1


def test_a_cookie_falls_with_its_session(log: ThreadedLog, verifier: Verifier) -> None:
    """A cookie that is remembered is refused as soon as its ending is applied, without another read."""
    (value, digest), session = a_cookie(), a_session()
    log.fills[digest] = a_fill(session)

    async def story() -> None:
        view = await verifier.view_of_cookie(value)
        assert (view.id, view.csrf is not None) == (session, True)
        assert await verifier.applied(log.append(Ending(Kind.SESSION, session)))
        with pytest.raises(SessionEnded):
            await verifier.view_of_cookie(value)

    asyncio.run(story())
    assert len(log.resolved) == 1


def test_an_outdated_cookie_is_read_once_more(log: ThreadedLog, verifier: Verifier) -> None:
    """When permissions change, a cookie is looked up again and the authority decides; its holder notices nothing."""
    (value, digest), session = a_cookie(), a_session()
    log.fills[digest] = a_fill(session)
    assert verifier.view_of_cookie_blocking(value).tal == Position(1, 0)
    position = log.append(Ending(Kind.OUTDATED_PRINCIPAL, PRINCIPAL))
    assert verifier.applied_blocking(position)
    log.fills[digest] = a_fill(session, position)
    assert verifier.view_of_cookie_blocking(value).tal == position
    assert len(log.resolved) == 2


def test_an_authority_that_stays_behind_is_not_asked_for_ever(log: ThreadedLog, verifier: Verifier) -> None:
    """An answer from before a change is never taken; after a few of them the cookie is outdated."""
    (value, digest) = a_cookie()
    log.fills[digest] = a_fill(a_session())
    verifier.applied_blocking(log.append(Ending(Kind.ALL, "")))
    with pytest.raises(CredentialOutdated):
        verifier.view_of_cookie_blocking(value)
    with pytest.raises(CredentialOutdated):
        asyncio.run(verifier.view_of_cookie(value))
    assert len(log.resolved) == 6


@pytest.mark.parametrize(
    ("because", "error"), [("missing", SessionEnded), ("ended", SessionEnded), ("expired", CredentialExpired)]
)
def test_a_cookie_that_stands_for_nothing_is_refused(
    log: ThreadedLog, verifier: Verifier, because: str, error: type[Exception]
) -> None:
    """No session, an ended one and an expired one are told apart, and are not asked for again at once."""
    value, digest = a_cookie()
    log.fills[digest] = CookieFill(Position(1, 0), 0, None, because)
    for _ in range(3):
        with pytest.raises(error):
            asyncio.run(verifier.view_of_cookie(value))
        with pytest.raises(error):
            verifier.view_of_cookie_blocking(value)
    assert len(log.resolved) == 1


def test_trouble_with_a_lookup_reaches_everybody_who_waits(log: ThreadedLog) -> None:
    """When the authority's store fails, each request is 503, and the next one asks again."""
    answers: list[Exception | None] = [Unavailable("store"), ValueError("a bug"), None]
    session = a_session()

    async def resolve(digests: Sequence[Digest]) -> Sequence[CookieFill]:
        error = answers.pop(0)
        if error is not None:
            raise error
        return [a_fill(session) for _ in digests]

    async def story() -> None:
        value, _ = a_cookie()
        async with Verifier(ISSUER, AUDIENCE, follow=log, resolve=resolve) as verifier:
            for _ in range(2):
                for error in await together(verifier.view_of_cookie(value), verifier.view_of_cookie(value)):
                    assert isinstance(error, Unavailable)
            assert (await verifier.view_of_cookie(value)).id == session

    asyncio.run(story())


def test_trouble_with_a_blocking_lookup_is_told(log: ThreadedLog, verifier: Verifier) -> None:
    """A thread that looks a cookie up hears of the trouble, and the next one asks again."""
    (value, digest), session = a_cookie(), a_session()
    log.fills[digest] = a_fill(session)
    log.broken = OUT_OF_ORDER
    with pytest.raises(Unavailable):
        verifier.view_of_cookie_blocking(value)
    log.broken = None
    assert eventually(lambda: refused(lambda: verifier.view_of_cookie_blocking(value)) == "good")


def test_a_log_that_knows_no_cookies_is_our_trouble(log: ThreadedLog) -> None:
    """A verifier that has nobody to ask says so, and never that a cookie is bad."""
    value, _ = a_cookie()
    log.resolve = None  # type: ignore[assignment, method-assign]
    with Verifier(ISSUER, AUDIENCE, follow=log) as verifier:
        with pytest.raises(Unavailable):
            asyncio.run(verifier.view_of_cookie(value))
        with pytest.raises(Unavailable):
            verifier.view_of_cookie_blocking(value)


def test_a_loop_may_end_while_a_lookup_is_on_its_way(log: ThreadedLog) -> None:
    """Whoever waits for a lookup that is cancelled is cancelled too, and nothing is left behind."""

    async def never(digests: Sequence[Digest]) -> Sequence[CookieFill]:
        await asyncio.Event().wait()
        raise AssertionError

    async def story(verifier: Verifier) -> None:
        waiting = asyncio.create_task(verifier.view_of_cookie(a_cookie()[0]))
        await asyncio.sleep(0.01)
        for task in asyncio.all_tasks() - {waiting, asyncio.current_task()}:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    with Verifier(ISSUER, AUDIENCE, follow=log, resolve=never) as verifier:
        asyncio.run(story(verifier))


def test_a_reader_that_leaves_does_not_take_the_read_along(log: ThreadedLog, verifier: Verifier) -> None:
    """One request that is cancelled does not fail another that waits for the same cookie."""
    (value, digest), session = a_cookie(), a_session()
    log.fills[digest] = a_fill(session)

    async def story() -> None:
        first = asyncio.create_task(verifier.view_of_cookie(value))
        second = asyncio.create_task(verifier.view_of_cookie(value))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).id == session

    asyncio.run(story())


def test_threads_share_a_lookup(log: ThreadedLog, verifier: Verifier) -> None:
    """Threads that meet the same new cookie at once cost one read."""
    (value, digest), session = a_cookie(), a_session()
    log.fills[digest] = a_fill(session)
    inside, go = threading.Event(), threading.Event()
    plain = log.resolve

    def slow(digests: Sequence[Digest]) -> Sequence[CookieFill]:
        inside.set()
        assert go.wait(5)
        return plain(digests)

    verifier._fills._resolve_blocking = slow
    views: list[SessionView] = []
    threads = [threading.Thread(target=lambda: views.append(verifier.view_of_cookie_blocking(value))) for _ in range(4)]
    threads[0].start()
    assert inside.wait(5)
    for thread in threads[1:]:
        thread.start()
    time.sleep(0.05)
    go.set()
    for thread in threads:
        thread.join()
    assert [view.id for view in views] == [session] * 4
    assert len(log.resolved) == 1


# ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_request_gives_the_session_whichever_credential_it_carries(log: ThreadedLog, verifier: Verifier) -> None:
    """A bearer token and a cookie lead to a session by the same call; without either the request says so."""
    (value, digest), session = a_cookie(), a_session()
    log.fills[digest] = a_fill(session)
    token = KEY.mint(session)

    async def story() -> None:
        for _ in range(2):
            by_token = await verifier.session_of({"Authorization": f"Bearer {token}"})
            by_cookie = await verifier.session_of([(b"cookie", f"{COOKIE_NAME}={value}".encode())])
            assert (by_token.id, by_token.credential) == (session, "access_token")
            assert (by_cookie.id, by_cookie.credential) == (session, "cookie")
        with pytest.raises(CredentialMissing):
            await verifier.session_of({"type": "http", "headers": []})
        assert (await verifier.session_of({"Authorization": f"Bearer {KEY.mint(session)}"})).id == session
        new = Key()
        log.keys = key_set(KEY, new)
        assert (await verifier.session_of({"Authorization": f"Bearer {new.mint(session)}"})).id == session

    asyncio.run(story())
    assert verifier.session_of_blocking({"Cookie": f"{COOKIE_NAME}={value}"}).id == session


def test_it_is_an_asgi_lifespan(log: ThreadedLog) -> None:
    """An app that starts with it finds it in its state."""

    async def story() -> None:
        verifier = Verifier(ISSUER, AUDIENCE, follow=log)
        async with verifier.lifespan() as state:
            assert state == {STATE_NAME: verifier}
            assert verifier.leased()
        assert not verifier.leased()

    asyncio.run(story())


# ── who waits ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_waiting_for_what_never_comes_ends(log: ThreadedLog, verifier: Verifier) -> None:
    """A wait for a position ends in time and says whether it was reached."""
    never = Position(1, 99)
    assert not verifier.applied_blocking(never, 0.05)
    assert not asyncio.run(verifier.applied(never, 0.05))
    assert asyncio.run(verifier.applied(Position(1, 0)))


def test_a_stream_is_closed_when_its_session_ends(log: ThreadedLog) -> None:
    """A callback runs in the loop of whoever asked, once, when an applied entry covers the session."""
    heard: list[Revocation] = []
    session, other = a_session(), a_session()

    async def story() -> None:
        async with Verifier(ISSUER, AUDIENCE, follow=log, on_ended=heard.append) as verifier:
            closed: asyncio.Queue[SessionView] = asyncio.Queue()
            for one in (session, other):
                verifier.on_ended(closed.put_nowait, verifier.verify(KEY.mint(one)))
            log.append(Ending(Kind.SESSION, session))
            async with asyncio.timeout(5):
                assert (await closed.get()).id == session
            assert closed.empty()

    asyncio.run(story())
    assert [entry.ending.name for entry in heard] == [session]


def test_a_log_of_other_constants_is_taken_as_it_is(log: ThreadedLog) -> None:
    """A verifier takes the constants of the deployment from the log, also when they change."""
    with Verifier(ISSUER, AUDIENCE, follow=log) as verifier:
        log.staleness = replace(log.staleness, lease_s=0.9)
        log.broken = OUT_OF_ORDER
        assert eventually(lambda: verifier.state().counters["failures"] > 0, 2.0)
        log.broken = None
        assert eventually(lambda: verifier._memory.staleness.lease_s == 0.9)
