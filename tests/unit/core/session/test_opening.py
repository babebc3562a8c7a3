"""The rules of opening, and their limits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallystick.core.credentials.cookie import cookie_of
from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.policy import DEFAULT
from tallystick.core.secret import Digest
from tallystick.core.session.decision import Decision, EndSession, OpenSession, Outcome
from tallystick.core.session.model import AppHolder, BrowserHolder, ServiceHolder, Session
from tallystick.core.session.opening import (
    LABEL_LENGTH_MAX,
    AppGrant,
    open_app,
    open_browser,
    open_from,
    open_service,
)
from tests.support.sessions import (
    APP,
    BOB,
    BORN,
    LATER,
    OTHER_APP,
    PASSKEY,
    PASSWORD,
    SERVICE,
    T0,
    a_birth,
    a_browser,
    a_service,
    an_app,
    changes_nothing,
    with_policy,
)

FRESH = bytes(range(32))
GRANT = AppGrant(APP, frozenset({"notes:read"}), ("https://export.example",), 6)


def opened(decision: Decision) -> Session:
    """Gives the row that a decision opens; it is always the last change."""
    change = decision.changes[-1]
    assert isinstance(change, OpenSession)
    return change.session


def ended(decision: Decision) -> list[SessionId]:
    """Gives the sessions that a decision ends on the way, in order."""
    found = [change for change in decision.changes if isinstance(change, EndSession)]
    assert all(one.because == "evicted" and not one.offline and one.logged for one in found)
    return [one.session for one in found]


def crowd(
    count: int, *, bound: bool = True, client: ClientId = APP, first: int = 0, used_from: int = T0
) -> list[Session]:
    """Gives live sessions opened from a browser's; the n-th was used n seconds after the first."""
    opener = a_browser().row
    return [
        an_app(f"c{first + n}", client=client, rotated_at=used_from + n).opened_from(opener, bound=bound).row
        for n in range(count)
    ]


# ── browsers ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_browser_s_session_is_born_where_its_sign_in_began_to_read() -> None:
    """A new session carries the position that was read before any fact, and keeps only the digest of its cookie."""
    decision = open_browser(a_birth(label="Firefox"), PASSWORD, FRESH, DEFAULT)
    row = opened(decision)
    assert (row.version, row.born, row.opened_at, row.active_at) == (1, LATER, T0, T0)
    assert row.holder == BrowserHolder(Digest.of(cookie_of(FRESH).reveal()))
    assert row.clocks == DEFAULT.browser
    assert (row.authentications, row.label) == ((PASSWORD,), "Firefox")
    assert decision.to_deliver is not None
    assert decision.to_deliver.cookie is not None
    assert decision.to_deliver.cookie.matches(cookie_of(FRESH).reveal())
    assert not decision.to_deliver.access


def test_who_asks_to_stay_signed_in_gets_the_longer_clocks() -> None:
    """Staying signed in is a choice of clocks."""
    assert opened(open_browser(a_birth(), PASSWORD, FRESH, DEFAULT, kept=True)).clocks == DEFAULT.browser_kept


def test_somebody_else_in_the_same_browser_ends_the_session_that_was_there() -> None:
    """Signing in as another person ends the old session in the same commit."""
    there = a_browser("before").of(BOB).row
    decision = open_browser(a_birth(), PASSWORD, FRESH, DEFAULT, replaces=there)
    assert decision.changes[0] == EndSession(there.id, "replaced")
    assert len(decision.changes) == 2


def test_a_label_is_cut_to_200_characters() -> None:
    """A very long device name is shortened."""
    row = opened(open_browser(a_birth(label="x" * 500), PASSWORD, FRESH, DEFAULT))
    assert row.label == "x" * LABEL_LENGTH_MAX == "x" * 200


# ── apps ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_app_that_signs_in_directly_is_bound_to_nothing() -> None:
    """A first-party app gets a session of its own with generation 0 of its refresh token."""
    decision = open_app(a_birth(), GRANT, PASSWORD, DEFAULT)
    row = opened(decision)
    assert (row.opened_from, row.bound, row.clocks) == (None, False, DEFAULT.app)
    assert row.holder == AppHolder(APP, 0, 6, T0)
    assert (row.scopes, row.resources) == (frozenset({"notes:read"}), ("https://export.example",))
    assert decision.changes == (OpenSession(row, raises=None),)
    assert decision.to_deliver is not None
    assert (decision.to_deliver.refresh_generation, decision.to_deliver.refresh_version) == (0, 6)
    assert decision.to_deliver.access


def test_opening_from_a_browser_s_session_raises_that_row() -> None:
    """What is opened names its opener, is born by its own request, and loses if the opener changed."""
    parent = a_browser().row
    decision = open_from(a_browser().standing(), a_birth(), GRANT, (PASSWORD,), DEFAULT, bound=True)
    row = opened(decision)
    assert (row.opened_from, row.bound, row.principal) == (parent.id, True, parent.principal)
    assert row.born == LATER != parent.born == BORN
    assert decision.changes == (OpenSession(row, raises=parent),)


def test_what_is_opened_copies_the_level_of_the_cookie_that_was_presented() -> None:
    """The older cookie of a stepped-up session opens sessions of the older level."""
    stepped = a_browser().proved_by(PASSWORD, PASSKEY).standing()
    assert opened(open_from(stepped, a_birth(), GRANT, (PASSWORD,), DEFAULT, bound=True)).authentications == (PASSWORD,)


@pytest.mark.parametrize("bound", [True, False])
def test_nothing_is_opened_from_a_session_that_is_over(*, bound: bool) -> None:
    """An ended, expired, missing or cut session opens nothing, nor does that of somebody else."""
    gone = [
        a_browser().over().standing(),
        a_browser().standing(enabled=False),
        a_browser().standing(cut=LATER),
        replace(a_browser().standing(), session=None),
        a_browser().of(BOB).standing(),
    ]
    for standing in gone:
        assert changes_nothing(open_from(standing, a_birth(), GRANT, (PASSWORD,), DEFAULT, bound=bound), Outcome.ENDED)
    late = a_birth(now=a_browser().row.idle_end_at)
    assert changes_nothing(
        open_from(a_browser().standing(), late, GRANT, (PASSWORD,), DEFAULT, bound=bound), Outcome.ENDED
    )


def test_only_a_browser_s_session_opens_others() -> None:
    """An app's or a service's session opens nothing, so the depth is one."""
    for standing, principal in (
        (an_app().standing(), a_birth().principal),
        (a_service().standing(), PrincipalId(SERVICE)),
    ):
        birth = a_birth(principal=principal)
        assert changes_nothing(open_from(standing, birth, GRANT, (PASSWORD,), DEFAULT, bound=True), Outcome.REFUSED)


def test_offline_access_needs_a_fresh_authentication() -> None:
    """Unbound sessions are opened until exactly `fresh_lifetime` after the authentication of the presented cookie."""
    for age, outcome in ((DEFAULT.fresh_lifetime - 1, Outcome.OPENED), (DEFAULT.fresh_lifetime, Outcome.REFUSED)):
        birth = a_birth(now=T0 + age)
        assert open_from(a_browser().standing(), birth, GRANT, (PASSWORD,), DEFAULT, bound=False).outcome is outcome
        assert (
            open_from(a_browser().standing(), birth, GRANT, (PASSWORD,), DEFAULT, bound=True).outcome is Outcome.OPENED
        )
    unbound = opened(open_from(a_browser().standing(), a_birth(), GRANT, (PASSWORD,), DEFAULT, bound=False))
    assert (unbound.bound, unbound.opened_from) == (False, a_browser().row.id)


# ── services ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_service_gets_one_long_session_without_a_renewable_secret() -> None:
    """A service's session is inserted only if there is none, and hands out an access token only."""
    birth = a_birth(principal=PrincipalId(SERVICE), label="Export")
    decision = open_service(birth, SERVICE, frozenset({"export"}), ("https://notes.example",), DEFAULT)
    row = opened(decision)
    assert decision.changes == (OpenSession(row, sole=True),)
    assert row.holder == ServiceHolder(SERVICE)
    assert (row.authentications, row.clocks, row.scopes) == ((), DEFAULT.service, frozenset({"export"}))
    assert decision.to_deliver is not None
    assert decision.to_deliver.refresh_generation is None
    assert decision.to_deliver.cookie is None
    assert decision.to_deliver.access


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────


def from_browser(existing: list[Session], *, bound: bool = True, unbound: list[Session] | None = None) -> Decision:
    """Opens one more session of APP from the browser's."""
    return open_from(
        a_browser().standing(), a_birth(), GRANT, (PASSWORD,), DEFAULT,
        bound=bound, opened=existing, existing=unbound or (),
    )  # fmt: skip


def test_one_client_has_at_most_twenty_sessions_opened_from_one_browser_s() -> None:
    """The twentieth session of a client ends nothing; the twenty-first ends the one that was used least recently."""
    assert ended(from_browser(crowd(19))) == []
    assert ended(from_browser(crowd(20))) == [crowd(20)[0].id]
    assert ended(from_browser(crowd(23))) == [one.id for one in crowd(23)[:4]]


def test_use_counts_more_than_age_and_order() -> None:
    """The session to go is the one whose refresh token and clock have rested longest, wherever it stands in the list."""
    sessions = crowd(20)
    busy = replace(sessions[0], active_at=T0 + 500)
    assert ended(from_browser([*sessions[1:], busy])) == [sessions[1].id]
    assert ended(from_browser(sessions[::-1])) == [sessions[0].id]


def test_other_clients_do_not_count_for_a_client_s_limit() -> None:
    """Sessions of another client leave room for twenty of this one."""
    assert ended(from_browser([*crowd(19), *crowd(100, client=OTHER_APP, first=100)])) == []


def test_one_browser_s_session_has_at_most_two_hundred_opened_from_it() -> None:
    """The two-hundredth ends nothing; the next ends the least recently used of any client."""
    others = [
        one for n in range(10) for one in crowd(20, client=ClientId(f"other-{n}"), first=20 * n, used_from=T0 + 20 * n)
    ]
    assert ended(from_browser(others[:199])) == []
    assert ended(from_browser(others)) == [others[0].id]


def test_what_goes_for_one_limit_counts_for_the_other() -> None:
    """Where both limits are reached, one ending serves both."""
    own = crowd(20, used_from=T0 + 1000)
    others = [one for n in range(9) for one in crowd(20, client=ClientId(f"other-{n}"), first=100 + 20 * n)]
    assert ended(from_browser([*others, *own])) == [own[0].id]
    assert len(ended(from_browser([*others, *own, *crowd(1, client=OTHER_APP, first=400)]))) == 2


def test_one_client_has_at_most_fifty_unbound_sessions_of_a_person() -> None:
    """The fiftieth unbound session ends nothing; the next ends the least recently used, by either way of opening."""
    for open_one in (
        lambda sessions: from_browser([], bound=False, unbound=sessions),
        lambda sessions: open_app(a_birth(), GRANT, PASSWORD, DEFAULT, sessions),
    ):
        assert ended(open_one(crowd(49, bound=False))) == []
        assert ended(open_one(crowd(50, bound=False))) == [crowd(50)[0].id]
        assert ended(open_one([*crowd(49, bound=False), *crowd(9, first=60)])) == []
        assert ended(open_one([*crowd(49, bound=False), *crowd(9, bound=False, first=60, client=OTHER_APP)])) == []


def test_a_session_that_two_limits_name_is_ended_once() -> None:
    """The same least recently used session is named once, whichever limits it is over."""
    policy = with_policy(sessions_per_opener_and_client=2, unbound_sessions_per_client=2)
    sessions = crowd(2, bound=False)
    decision = open_from(
        a_browser().standing(), a_birth(), GRANT, (PASSWORD,), policy, bound=False, opened=sessions, existing=sessions
    )
    assert ended(decision) == [sessions[0].id]


def test_a_browser_among_the_sessions_of_a_person_is_never_in_the_way() -> None:
    """Browser sessions do not count for an app's limit, whatever their use."""
    policy = with_policy(unbound_sessions_per_client=1)
    assert ended(open_app(a_birth(), GRANT, PASSWORD, policy, [a_browser().row, a_service().row])) == []
