"""Where a session stands: ended before expired, and to the second."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallystick.core.policy import DEFAULT, Clocks
from tallystick.core.revocation.entry import ORIGIN, Position
from tallystick.core.session.model import AppHolder, BrowserHolder, Ended, ServiceHolder
from tallystick.core.session.standing import Standing, Verdict, is_fresh, level_of_cookie
from tests.support.sessions import (
    BORN,
    COOKIE,
    HEAD,
    LATER,
    PASSKEY,
    PASSWORD,
    PREVIOUS,
    STRANGE,
    T0,
    a_browser,
    a_service,
    an_app,
)

IDLE, HARD = DEFAULT.browser.idle_lifetime, DEFAULT.browser.absolute_lifetime


def test_a_session_lives_until_the_second_at_which_it_was_idle_too_long() -> None:
    """A session is live one second before its idle end and expired at it."""
    standing = a_browser().standing()
    assert standing.verdict(T0 + IDLE - 1) is Verdict.LIVE
    assert standing.verdict(T0 + IDLE) is Verdict.EXPIRED
    assert standing.live(T0 + IDLE - 1) == standing.session
    assert standing.live(T0 + IDLE) is None


def test_use_moves_the_idle_end_but_never_beyond_the_hard_end() -> None:
    """A session in constant use expires at its hard end, to the second."""
    used = a_browser().used_at(T0 + HARD - 10)
    assert used.row.idle_end_at == used.row.hard_end_at == T0 + HARD
    assert used.standing().verdict(T0 + HARD - 1) is Verdict.LIVE
    assert used.standing().verdict(T0 + HARD) is Verdict.EXPIRED


def test_use_never_moves_a_clock_back() -> None:
    """A use that is recorded late does not shorten a session's life."""
    row = a_browser().used_at(T0 + 50).row
    assert row.used(T0 + 49) is row
    assert row.used(T0 + 50) is row
    assert row.used(T0 + 51).active_at == T0 + 51


def test_a_missing_row_is_an_ended_session() -> None:
    """A session that the store does not have has ended and has no scopes."""
    standing = Standing(HEAD, None, None, True, frozenset({"notes:read"}), ORIGIN)
    assert standing.verdict(T0) is Verdict.ENDED
    assert standing.live(T0) is None
    assert standing.scopes() == frozenset()


def test_a_row_that_was_marked_has_ended_whatever_the_clock_says() -> None:
    """An ended session is ended, also when its time would be over as well."""
    standing = a_browser().over().standing()
    assert standing.verdict(T0) is Verdict.ENDED
    assert standing.verdict(T0 + HARD) is Verdict.ENDED


def test_a_disabled_principal_or_client_has_no_live_session() -> None:
    """Disabling an account or a client is an ending for its sessions."""
    assert a_browser().standing(enabled=False).verdict(T0) is Verdict.ENDED


@pytest.mark.parametrize(
    ("cut", "verdict"),
    [
        (ORIGIN, Verdict.LIVE),
        (Position(1, 4), Verdict.LIVE),
        (BORN, Verdict.LIVE),
        (LATER, Verdict.ENDED),
        (Position(2, 0), Verdict.ENDED),
        (Position(0, 999), Verdict.LIVE),
    ],
)
def test_a_cut_ends_exactly_what_was_born_before_it(cut: Position, verdict: Verdict) -> None:
    """A session that was born at a cut's position survives it; one that was born before does not."""
    assert a_browser().standing(cut=cut).verdict(T0) is verdict


# ── sessions bound to another ────────────────────────────────────────────────────────────────────────────────────


def test_a_bound_session_ends_with_the_one_it_was_opened_from() -> None:
    """A bound session is over when the browser's has ended, or is not there any more."""
    opener = a_browser()
    bound = an_app().opened_from(opener.row)
    assert bound.standing(opener.row).verdict(T0) is Verdict.LIVE
    assert bound.standing(opener.over().row).verdict(T0) is Verdict.ENDED
    assert bound.standing(None).verdict(T0) is Verdict.ENDED


def test_a_bound_session_expires_by_the_clocks_of_the_one_it_was_opened_from() -> None:
    """A bound session is idle when the browser's is, to the second, and use of the browser's keeps it alive."""
    opener = a_browser()
    bound = an_app().opened_from(opener.row)
    assert bound.standing(opener.row).verdict(T0 + IDLE - 1) is Verdict.LIVE
    assert bound.standing(opener.row).verdict(T0 + IDLE) is Verdict.EXPIRED
    used = opener.used_at(T0 + 600)
    assert bound.standing(used.row).verdict(T0 + IDLE) is Verdict.LIVE
    assert bound.used_at(T0 + IDLE).standing(opener.row).verdict(T0 + IDLE) is Verdict.EXPIRED


def test_a_bound_session_has_a_hard_end_of_its_own_too() -> None:
    """A bound session does not outlive its own absolute lifetime, however long the browser's is kept."""
    opener = replace(
        a_browser().row, clocks=Clocks(DEFAULT.app.absolute_lifetime * 2, DEFAULT.app.absolute_lifetime * 2)
    )
    standing = an_app().opened_from(opener).standing(opener)
    assert standing.verdict(T0 + DEFAULT.app.absolute_lifetime - 1) is Verdict.LIVE
    assert standing.verdict(T0 + DEFAULT.app.absolute_lifetime) is Verdict.EXPIRED
    assert standing.ends_at() == T0 + DEFAULT.app.absolute_lifetime


def test_an_unbound_session_outlives_the_one_it_was_opened_from() -> None:
    """Offline access goes on when the browser's session has ended, expired or was forgotten."""
    unbound = an_app().opened_from(a_browser().row, bound=False)
    for opener in (a_browser().row, a_browser().over().row, None):
        assert unbound.standing(opener).verdict(T0 + HARD) is Verdict.LIVE
        assert unbound.standing(opener).ends_at() == T0 + DEFAULT.app.absolute_lifetime


def test_no_token_outlives_its_session_or_the_opener_of_it() -> None:
    """The latest end of a token is the session's hard end, or that of the session it is bound to."""
    opener = a_browser().row
    assert a_browser().standing().ends_at() == T0 + HARD
    assert an_app().standing().ends_at() == T0 + DEFAULT.app.absolute_lifetime
    assert an_app().opened_from(opener).standing(opener).ends_at() == T0 + HARD
    assert an_app().opened_from(opener).standing(None).ends_at() == T0 + DEFAULT.app.absolute_lifetime


# ── scopes ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_app_has_what_it_was_granted_and_the_account_still_has() -> None:
    """The scopes of an app are the granted ones that are still permissions of the account."""
    app = an_app().granted("notes:read", "notes:write")
    assert app.standing(permissions=["notes:read", "admin"]).scopes() == {"notes:read"}
    assert app.standing(permissions=[]).scopes() == frozenset()


def test_a_browser_has_all_permissions_of_its_account() -> None:
    """A cookie may do all that the account may do, whatever its row says was granted."""
    assert a_browser().granted("ignored").standing(permissions=["notes:read", "admin"]).scopes() == {
        "notes:read",
        "admin",
    }


# ── cookies and freshness ────────────────────────────────────────────────────────────────────────────────────────


STEPPED = (
    a_browser()
    .held_by(BrowserHolder(COOKIE, PREVIOUS, previous_until=T0 + 160, previous_level=1))
    .proved_by(PASSWORD, PASSKEY)
    .row
)


def test_the_current_cookie_stands_for_every_authentication() -> None:
    """The cookie that was issued last has the full level, at any time."""
    for now in (T0, T0 + 160, T0 + HARD):
        assert level_of_cookie(STEPPED, COOKIE, now) == (PASSWORD, PASSKEY)


def test_the_cookie_before_a_step_up_keeps_its_old_level_and_then_goes() -> None:
    """The previous cookie is worth what it was before, until exactly its end."""
    assert level_of_cookie(STEPPED, PREVIOUS, T0 + 159) == (PASSWORD,)
    assert level_of_cookie(STEPPED, PREVIOUS, T0 + 160) is None


def test_a_strange_cookie_stands_for_nothing() -> None:
    """A cookie of another session, or any cookie for an app's or a service's session, has no level."""
    assert level_of_cookie(STEPPED, STRANGE, T0) is None
    assert level_of_cookie(a_browser().row, PREVIOUS, T0) is None
    assert level_of_cookie(an_app().row, COOKIE, T0) is None
    assert level_of_cookie(a_service().row, COOKIE, T0) is None


def test_an_authentication_is_fresh_for_ten_minutes_less_one_second() -> None:
    """A sensitive act is allowed until exactly `fresh_lifetime` after the last authentication."""
    assert is_fresh((PASSWORD,), T0 + DEFAULT.fresh_lifetime - 1, DEFAULT)
    assert not is_fresh((PASSWORD,), T0 + DEFAULT.fresh_lifetime, DEFAULT)
    assert is_fresh((PASSWORD, PASSKEY), PASSKEY.at + DEFAULT.fresh_lifetime - 1, DEFAULT)
    assert not is_fresh((), T0, DEFAULT)


# ── the row ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_session_belongs_to_the_client_that_holds_it() -> None:
    """A browser's session belongs to no client; an app's and a service's to their own."""
    assert a_browser().row.client is None
    holder = an_app().row.holder
    assert isinstance(holder, AppHolder)
    assert an_app().row.client == holder.client
    service = a_service().row.holder
    assert isinstance(service, ServiceHolder)
    assert a_service().row.client == service.client


def test_an_ending_says_when_why_and_where_in_the_log() -> None:
    """What a row keeps of its ending is enough to answer for it later; an expiry has no entry."""
    assert a_browser().over().row.ended == Ended(T0 + 1, "signed out", LATER)
    assert Ended(T0, "expired", None).position is None
