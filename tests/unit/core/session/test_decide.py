"""The rules of a live session."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallystick.core.credentials.cookie import cookie_of
from tallystick.core.credentials.refresh_token import GENERATION_MAX
from tallystick.core.ids import KeyId
from tallystick.core.policy import DEFAULT, Clocks
from tallystick.core.revocation.entry import EVERYTHING, Ending, Kind, Position
from tallystick.core.secret import Digest
from tallystick.core.session import decide
from tallystick.core.session.decision import Append, EndSession, Outcome, UpdateSession
from tallystick.core.session.model import AppHolder, Authentication, BrowserHolder
from tests.support.sessions import (
    ADA,
    APP,
    BOB,
    BORN,
    COOKIE,
    OTHER_APP,
    PASSKEY,
    PASSWORD,
    PREVIOUS,
    STRANGE,
    T0,
    a_browser,
    an_app,
    changes_nothing,
    token,
    with_policy,
)

NOW = T0 + 200
FRESH = bytes(range(32))
NEW_COOKIE = Digest.of(cookie_of(FRESH).reveal())


# ── refresh ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_current_refresh_token_is_rotated_once() -> None:
    """Trading the current refresh token raises the generation by one, under the newest master key, now."""
    row = an_app(generation=4, rotated_at=T0).row
    decision = decide.refresh(an_app().standing(), token(row, 4), APP, 7, DEFAULT, NOW)
    (change,) = decision.changes
    assert isinstance(change, UpdateSession)
    assert change.session == replace(row, holder=AppHolder(APP, 5, 7, NOW), active_at=NOW)
    assert not change.reborn
    assert decision.to_deliver is not None
    assert (decision.to_deliver.refresh_generation, decision.to_deliver.refresh_version) == (5, 7)
    assert decision.to_deliver.session == change.session
    assert decision.to_deliver.access


def test_a_bound_session_that_rotates_keeps_its_own_clock() -> None:
    """A refresh of a bound session moves the idle clock of the browser's session, not one of its own."""
    opener = a_browser().row
    bound = an_app().opened_from(opener)
    decision = decide.refresh(bound.standing(opener), token(bound.row, 4), APP, 1, DEFAULT, NOW)
    (change,) = decision.changes
    assert isinstance(change, UpdateSession)
    assert change.session.active_at == T0
    assert decide.used_at(bound.row, opener, NOW) == (opener.id, NOW)
    assert decide.used_at(an_app().row, None, NOW) == (an_app().row.id, NOW)
    unbound = an_app().opened_from(opener, bound=False).row
    assert decide.used_at(unbound, opener, NOW) == (unbound.id, NOW)


@pytest.mark.parametrize("grace", [0, 1, 10, 60])
def test_the_predecessor_is_repeated_until_the_grace_ends_and_not_a_second_longer(grace: int) -> None:
    """A lost answer can be asked for again up to and including the end of the grace; later it is reuse."""
    policy = with_policy(refresh_grace=grace)
    app = an_app(generation=4, rotated_at=NOW)
    repeat = decide.refresh(app.standing(), token(app.row, 3), APP, 9, policy, NOW + grace)
    assert repeat.outcome is Outcome.REPEATED
    late = decide.refresh(app.standing(), token(app.row, 3), APP, 9, policy, NOW + grace + 1)
    assert late.outcome is Outcome.REUSED


def test_a_repeat_gives_the_identical_successor_and_moves_nothing() -> None:
    """Repeating hands out the same generation, under the master key it was made with, and writes nothing."""
    app = an_app(generation=4, rotated_at=NOW)
    decision = decide.refresh(app.standing(), token(app.row, 3), APP, 9, DEFAULT, NOW + 5)
    assert decision.changes == ()
    assert decision.to_deliver is not None
    assert decision.to_deliver.session == app.row
    assert (decision.to_deliver.refresh_generation, decision.to_deliver.refresh_version) == (4, 1)


@pytest.mark.parametrize("generation", [0, 1, 2, 5, 6, 99])
def test_any_other_generation_ends_its_session(generation: int) -> None:
    """A grandparent, or a generation that was never handed out, ends the app's session and only that."""
    app = an_app(generation=4, rotated_at=NOW).opened_from(a_browser().row)
    decision = decide.refresh(app.standing(a_browser().row), token(app.row, generation), APP, 1, DEFAULT, NOW)
    assert decision.outcome is Outcome.REUSED
    assert decision.changes == (EndSession(app.row.id, "reuse"),)
    assert [event.name for event in decision.events] == ["session.ended"]
    assert decision.events[0].facts == (("because", "reuse"),)


@pytest.mark.parametrize("generation", [5, 6, 99, GENERATION_MAX - 2])
def test_after_a_restore_a_token_beyond_its_row_goes_on(generation: int) -> None:
    """A row of a backup is older than the tokens traded since: one that is ours goes on, and what lies before it is reuse."""
    app = an_app(generation=4, rotated_at=0)
    restored = replace(app.standing(), position=Position(BORN.epoch + 1, 3))
    decision = decide.refresh(restored, token(app.row, generation), APP, 1, DEFAULT, NOW)
    assert decision.outcome is Outcome.ROTATED
    assert decision.to_deliver is not None
    assert decision.to_deliver.refresh_generation == generation + 1
    (change,) = decision.changes
    assert isinstance(change, UpdateSession)
    assert change.session.holder == AppHolder(APP, generation + 1, 1, NOW)
    after = replace(restored, session=change.session)
    for older in (3, 4, generation - 1):
        assert decide.refresh(after, token(app.row, older), APP, 1, DEFAULT, NOW).outcome is Outcome.REUSED


def test_after_a_restore_the_other_rules_stand() -> None:
    """Another client is refused, an older generation is reuse, an ended row stays ended, and the last number is not rotated."""
    app = an_app(generation=4, rotated_at=0)
    restored = replace(app.standing(), position=Position(BORN.epoch + 1, 3))
    for generation, client, outcome in [
        (7, OTHER_APP, Outcome.REFUSED),
        (3, APP, Outcome.REUSED),
        (4, APP, Outcome.ROTATED),
        (GENERATION_MAX, APP, Outcome.REUSED),
    ]:
        assert decide.refresh(restored, token(app.row, generation), client, 1, DEFAULT, NOW).outcome is outcome
    ended = replace(restored, session=app.over().row)
    assert decide.refresh(ended, token(app.row, 7), APP, 1, DEFAULT, NOW).outcome is Outcome.ENDED


# ── mint, allow ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_minting_writes_nothing() -> None:
    """An access token is minted from a live session without a write."""
    decision = decide.mint(an_app().standing(), NOW)
    assert decision.outcome is Outcome.MINTED
    assert decision.changes == ()
    assert decision.to_deliver is not None
    assert decision.to_deliver.refresh_generation is None


def test_an_expired_session_mints_nothing_and_the_log_stays_as_it_was() -> None:
    """When its time is over, a session expires without an entry in the log."""
    row = an_app().row
    decision = decide.mint(an_app().standing(), row.hard_end_at)
    assert changes_nothing(decision, Outcome.EXPIRED)
    assert [event.name for event in decision.events] == ["session.expired"]


def test_more_may_be_allowed_to_a_live_session_only() -> None:
    """Scopes and audiences are added to those granted, each once; an ended session gets nothing."""
    app = an_app().granted("notes:read", resources=["https://a.example"])
    more = (frozenset({"notes:write"}), ("https://a.example", "https://b.example"))
    decision = decide.allow(app.standing(), *more, NOW)
    (change,) = decision.changes
    assert isinstance(change, UpdateSession)
    assert change.session.scopes == {"notes:read", "notes:write"}
    assert change.session.resources == ("https://a.example", "https://b.example")
    assert changes_nothing(decide.allow(app.over().standing(), *more, NOW), Outcome.ENDED)


# ── step up ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_step_up_gives_a_new_cookie_and_leaves_the_old_one_its_level_for_a_minute() -> None:
    """After a step-up the new cookie has both authentications, the old one only what it had, for 60 s."""
    decision = decide.step_up(a_browser().standing(), COOKIE, PASSKEY, FRESH, DEFAULT, NOW)
    (change,) = decision.changes
    assert isinstance(change, UpdateSession)
    assert change.session.holder == BrowserHolder(NEW_COOKIE, COOKIE, NOW + 60, 1)
    assert change.session.authentications == (PASSWORD, PASSKEY)
    assert (change.session.active_at, change.session.opened_at) == (NOW, T0)
    assert decision.to_deliver is not None
    assert decision.to_deliver.cookie is not None
    assert decision.to_deliver.cookie.matches(cookie_of(FRESH).reveal())


def test_signing_in_again_restarts_the_absolute_clock() -> None:
    """The same person who signs in again keeps the session, with a new absolute clock and lifetimes."""
    clocks = Clocks(1000, 2000)
    decision = decide.step_up(a_browser().standing(), COOKIE, PASSKEY, FRESH, DEFAULT, NOW, clocks=clocks)
    (change,) = decision.changes
    assert isinstance(change, UpdateSession)
    assert change.session.hard_end_at == NOW + 2000
    assert change.session.id == a_browser().row.id


def test_a_step_up_by_the_previous_cookie_does_not_lift_it_to_the_level_of_the_current_one() -> None:
    """Whoever holds only the older cookie gets its level plus what was proved now, not what others proved."""
    holder = BrowserHolder(COOKIE, PREVIOUS, NOW + 10, 1)
    browser = a_browser().held_by(holder).proved_by(PASSWORD, PASSKEY)
    again = Authentication(NOW, ("pwd",), "urn:tallystick:password")
    decision = decide.step_up(browser.standing(), PREVIOUS, again, FRESH, DEFAULT, NOW)
    (change,) = decision.changes
    assert isinstance(change, UpdateSession)
    assert change.session.authentications == (PASSWORD, again)
    assert change.session.holder == BrowserHolder(NEW_COOKIE, PREVIOUS, NOW + 60, 1)


def test_a_strange_cookie_steps_nothing_up() -> None:
    """A cookie that is not this session's, or not any more, is refused and changes nothing."""
    assert changes_nothing(
        decide.step_up(a_browser().standing(), STRANGE, PASSKEY, FRESH, DEFAULT, NOW), Outcome.REFUSED
    )
    gone = a_browser().held_by(BrowserHolder(COOKIE, PREVIOUS, NOW, 1)).standing()
    assert changes_nothing(decide.step_up(gone, PREVIOUS, PASSKEY, FRESH, DEFAULT, NOW), Outcome.REFUSED)


def test_a_session_that_is_over_cannot_be_stepped_up() -> None:
    """Neither an ended nor an expired session gains an authentication."""
    ended, late = a_browser().over().standing(), a_browser().row.hard_end_at
    assert changes_nothing(decide.step_up(ended, COOKIE, PASSKEY, FRESH, DEFAULT, NOW), Outcome.ENDED)
    live = a_browser().standing()
    assert changes_nothing(decide.step_up(live, COOKIE, PASSKEY, FRESH, DEFAULT, late), Outcome.EXPIRED)


# ── ending ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_ending_takes_offline_sessions_along_when_asked() -> None:
    """An administrator or a theft ends what was opened from a session, bound or not; a sign-out only what is bound."""
    name = a_browser().row.id
    assert decide.revoke(name, "signed out").changes == (EndSession(name, "signed out", offline=False),)
    assert decide.revoke(name, "revoked", offline=True).changes == (EndSession(name, "revoked", offline=True),)


@pytest.mark.parametrize(
    "ending",
    [
        Ending(Kind.PRINCIPAL, ADA),
        Ending(Kind.CLIENT, APP),
        Ending(Kind.KEY, KeyId("k1")),
        EVERYTHING,
        Ending(Kind.OUTDATED_PRINCIPAL, ADA),
    ],
)
def test_a_cut_is_one_entry_however_many_sessions_it_covers(ending: Ending) -> None:
    """Ending all sessions of a principal, a client, a key or everybody appends one entry."""
    decision = decide.cut(ending)
    assert decision.changes == (Append(ending),)
    assert decision.to_deliver is None


def test_a_cut_on_a_session_is_the_session_s_own_ending() -> None:
    """A session has no cut: ending it marks its row and those bound to it."""
    name = a_browser().row.id
    assert decide.cut(Ending(Kind.SESSION, name)).changes == (EndSession(name, "revoked"),)


def test_everywhere_but_here_cuts_the_principal_and_bears_this_session_again() -> None:
    """The session that asks is born at the cut, with a new cookie; the old cookie is dead at once."""
    browser = a_browser().held_by(BrowserHolder(COOKIE, PREVIOUS, NOW + 10, 1))
    decision = decide.end_all_but(browser.standing(), ADA, FRESH, NOW, level=(PASSWORD,))
    update, cut = decision.changes
    assert cut == Append(Ending(Kind.PRINCIPAL, ADA))
    assert isinstance(update, UpdateSession)
    assert update.reborn
    assert update.session.holder == BrowserHolder(NEW_COOKIE)
    assert update.session.active_at == NOW
    assert decision.to_deliver is not None
    assert decision.to_deliver.cookie is not None


def test_everywhere_but_here_keeps_the_level_of_the_cookie_that_asked() -> None:
    """The older cookie of a stepped-up session does not gain the newer authentication by ending all others."""
    browser = a_browser().held_by(BrowserHolder(COOKIE, PREVIOUS, NOW + 10, 1)).proved_by(PASSWORD, PASSKEY)
    decision = decide.end_all_but(browser.standing(), ADA, FRESH, NOW, level=(PASSWORD,))
    update = decision.changes[0]
    assert isinstance(update, UpdateSession)
    assert update.session.authentications == (PASSWORD,)
    assert decision.to_deliver is not None
    assert decision.to_deliver.session.authentications == (PASSWORD,)


def test_only_the_browser_s_own_live_session_may_end_all_others() -> None:
    """An ended session, an app's, or one of somebody else ends nothing."""
    for standing, principal in (
        (a_browser().over().standing(), ADA),
        (an_app().standing(), ADA),
        (a_browser().standing(), BOB),
    ):
        assert changes_nothing(decide.end_all_but(standing, principal, FRESH, NOW, level=(PASSWORD,)), Outcome.ENDED)
