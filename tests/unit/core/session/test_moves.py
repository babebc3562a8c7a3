"""The tables of moves and the rules agree: every move of every state is tried, and the tables say what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product

import pytest

from tallystick.core.credentials.refresh_token import GENERATION_MAX
from tallystick.core.ids import PrincipalId
from tallystick.core.policy import DEFAULT
from tallystick.core.session import decide
from tallystick.core.session.decision import Change, Decision, EndSession, OpenSession, Outcome, UpdateSession
from tallystick.core.session.model import Session
from tallystick.core.session.moves import GUARDS, MOVES, Guard, Move, State
from tallystick.core.session.opening import AppGrant, open_app, open_browser, open_from, open_service
from tallystick.core.session.standing import Standing
from tests.support.sessions import (
    APP,
    COOKIE,
    HEAD,
    LATER,
    OTHER_APP,
    PASSKEY,
    PASSWORD,
    SERVICE,
    T0,
    a_birth,
    a_browser,
    an_app,
    token,
)

NOW = T0 + 200
GRANT = AppGrant(APP, frozenset({"notes:read"}), (), 1)
REFRESHES = {Move.ROTATE: 4, Move.REPEAT: 3, Move.REUSE: 2}
"""Which generation makes which move of the app's session below, whose current one is 4."""

OUTCOMES = {
    Move.OPEN: Outcome.OPENED,
    Move.STEP_UP: Outcome.STEPPED_UP,
    Move.ALLOW: Outcome.ALLOWED,
    Move.MINT: Outcome.MINTED,
    Move.ROTATE: Outcome.ROTATED,
    Move.REPEAT: Outcome.REPEATED,
    Move.REUSE: Outcome.REUSED,
    Move.REVOKE: Outcome.REVOKED,
    Move.EXPIRE: Outcome.EXPIRED,
}
BEFORE = {
    State.LIVE: {"browser": a_browser().standing(), "app": an_app(rotated_at=NOW).standing()},
    State.ENDED: {"browser": a_browser().over().standing(), "app": an_app(rotated_at=NOW).over().standing()},
    State.ABSENT: {name: Standing(HEAD, None, None, False, frozenset(), LATER) for name in ("browser", "app")},
}


def try_move(move: Move, state: State) -> Decision:
    """Asks for a move of a session that is in a state."""
    browser, app = BEFORE[state]["browser"], BEFORE[state]["app"]
    row = an_app().row
    match move:
        case Move.OPEN:
            return open_from(browser, a_birth(now=NOW), GRANT, (PASSWORD,), DEFAULT, bound=True)
        case Move.STEP_UP:
            return decide.step_up(browser, COOKIE, PASSKEY, bytes(32), DEFAULT, NOW)
        case Move.ALLOW:
            return decide.allow(app, frozenset({"more"}), ("https://export.example",), NOW)
        case Move.MINT:
            return decide.mint(app, NOW)
        case Move.REVOKE:
            return decide.revoke(row.id, "revoked")
        case Move.EXPIRE:
            return decide.mint(app, row.hard_end_at)
        case Move.ROTATE | Move.REPEAT | Move.REUSE:
            return decide.refresh(app, token(row, REFRESHES[move]), APP, 1, DEFAULT, NOW)


def written(changes: tuple[Change, ...]) -> str:
    """Says in the words of the table what changes write."""
    words = set[str]()
    for change in changes:
        match change:
            case OpenSession():
                words.add("row and the version of the row it opens from")
            case UpdateSession():
                words.add("row")
            case EndSession(logged=True):
                words.add("row and the rows bound to it")
            case other:
                words.add(repr(other))
    return " + ".join(sorted(words)) or "nothing"


def delivered(decision: Decision) -> set[str]:
    """Says in the words of the table what a decision delivers."""
    delivery = decision.to_deliver
    if delivery is None:
        return set()
    found = {"cookie": delivery.cookie is not None, "refresh token": delivery.refresh_generation is not None}
    return {word for word, there in (found | {"access token": delivery.access}).items() if there}


@pytest.mark.parametrize("move", [move for move in Move if MOVES[move].before is State.LIVE])
def test_a_move_of_a_live_session_does_what_the_table_says(move: Move) -> None:
    """A live session moves as the table says: what is written, what goes into the log, what may leave."""
    rule, decision = MOVES[move], try_move(move, State.LIVE)
    assert decision.outcome is OUTCOMES[move]
    # What time ended is only marked by the sweeper, with a change that goes into no log.
    writes = "nothing" if rule.writes == "row, when swept" else rule.writes
    assert written(decision.changes) == writes
    assert delivered(decision) == set(rule.delivers)
    assert any(isinstance(one, EndSession) and one.logged for one in decision.changes) == (rule.logs != "none")


@pytest.mark.parametrize(
    "opening",
    [
        lambda: open_browser(a_birth(), PASSWORD, bytes(32), DEFAULT),
        lambda: open_app(a_birth(), GRANT, PASSWORD, DEFAULT),
        lambda: open_from(a_browser().standing(), a_birth(), GRANT, (PASSWORD,), DEFAULT, bound=True),
        lambda: open_service(a_birth(principal=PrincipalId(SERVICE)), SERVICE, frozenset(), (), DEFAULT),
    ],
    ids=["browser", "app", "from a browser's", "service"],
)
def test_every_opening_does_what_the_table_says(opening: Callable[[], Decision]) -> None:
    """Opening writes one row, nothing into the log, and hands out only what the table allows."""
    rule, decision = MOVES[Move.OPEN], opening()
    assert decision.outcome is Outcome.OPENED
    assert written(decision.changes) == rule.writes
    assert delivered(decision) <= set(rule.delivers)
    assert delivered(decision) != set()


@pytest.mark.parametrize(
    ("move", "state"),
    [
        (move, state)
        for move, state in product(Move, (State.ENDED, State.ABSENT))
        if MOVES[move].before is State.LIVE and move is not Move.REVOKE
    ]
    + [(Move.OPEN, State.ENDED), (Move.OPEN, State.ABSENT)],
)
def test_no_move_wakes_a_session_that_is_ended_or_missing(move: Move, state: State) -> None:
    """A session that has ended, or is not there, makes no move at all and hands nothing out."""
    decision = try_move(move, state)
    assert decision.outcome is Outcome.ENDED
    assert decision.changes == ()
    assert decision.to_deliver is None


@pytest.mark.parametrize("state", list(State))
def test_an_ending_needs_no_look_at_the_row(state: State) -> None:
    """Ending a session compares nothing, so it cannot lose, and ending twice is the same as once."""
    assert try_move(Move.REVOKE, state).changes == (EndSession(an_app().row.id, "revoked"),)


def test_ended_is_for_ever() -> None:
    """No row of the table leads out of the state `ended`."""
    assert {rule.before for rule in MOVES.values()} == {State.ABSENT, State.LIVE}
    assert set(MOVES) == set(Move)


def test_whoever_ends_a_session_hands_nothing_out() -> None:
    """A move that ends a session delivers no credential, and a move that writes nothing hands out no cookie."""
    for rule in MOVES.values():
        if rule.after is State.ENDED:
            assert rule.delivers == ()
        if rule.writes == "nothing":
            assert "cookie" not in rule.delivers


# ── guards ───────────────────────────────────────────────────────────────────────────────────────────────────────


GENERATIONS = {Guard.CURRENT: 4, Guard.PREDECESSOR: 3}
"""The generation with which a guard holds for the app's session; 2 for none of them."""


def failing(guards: frozenset[Guard]) -> tuple[Standing, int, object, int]:
    """Describes a refresh for which exactly these guards hold, as far as they can hold together."""
    row = an_app(rotated_at=NOW)
    session = row.over() if Guard.OVER in guards else row
    now = row.row.hard_end_at if Guard.OUT_OF_TIME in guards else NOW
    client = OTHER_APP if Guard.NOT_ITS_CLIENT in guards else APP
    generation = next((n for guard, n in GENERATIONS.items() if guard in guards), 2)
    return session.standing(), now, client, generation


NAMED: dict[Guard, Outcome] = {
    Guard.OVER: Outcome.ENDED,
    Guard.OUT_OF_TIME: Outcome.EXPIRED,
    Guard.NOT_ITS_CLIENT: Outcome.REFUSED,
    Guard.CURRENT: Outcome.ROTATED,
    Guard.PREDECESSOR: Outcome.REPEATED,
    Guard.OLDER: Outcome.REUSED,
}


@pytest.mark.parametrize("early", list(product([False, True], repeat=3)))
@pytest.mark.parametrize("late", [Guard.CURRENT, Guard.PREDECESSOR, Guard.OLDER])
def test_the_first_guard_that_holds_names_the_move(early: tuple[bool, ...], late: Guard) -> None:
    """Whatever else is wrong with a refresh, the first guard of the table decides."""
    first_three = (Guard.OVER, Guard.OUT_OF_TIME, Guard.NOT_ITS_CLIENT)
    holding = frozenset({guard for guard, there in zip(first_three, early, strict=True) if there} | {late})
    standing, now, client, generation = failing(holding)
    assert isinstance(standing.session, Session)
    if Guard.OUT_OF_TIME in holding and late is Guard.PREDECESSOR:
        # The grace is long over by then; the guard before it answers all the same.
        holding -= {Guard.PREDECESSOR}
    decision = decide.refresh(standing, token(standing.session, generation), client, 1, DEFAULT, now)  # type: ignore[arg-type]
    expected = next(guard for guard, _ in GUARDS if guard in holding)
    assert decision.outcome is NAMED[expected]
    move = dict(GUARDS)[expected]
    if move is None:
        assert decision.changes == ()
        assert decision.to_deliver is None
        assert decision.because == expected.value
    else:
        assert decision.outcome is OUTCOMES[move]


def test_the_guards_are_asked_from_over_to_older() -> None:
    """Nothing is looked at before it is known that the session lives, and reuse is what is left."""
    assert tuple(guard for guard, _ in GUARDS) == tuple(Guard)
    assert [move for _, move in GUARDS] == [
        None, Move.EXPIRE, None, Move.ROTATE, Move.ROTATE, Move.REPEAT, Move.REUSE,
    ]  # fmt: skip


def test_a_wrong_client_is_refused_before_its_generation_is_looked_at() -> None:
    """Whoever finds an old refresh token of another client ends nothing with it."""
    order = [guard for guard, _ in GUARDS]
    assert all(
        order.index(one) < order.index(two)
        for one, two in pairwise((Guard.OVER, Guard.OUT_OF_TIME, Guard.NOT_ITS_CLIENT, Guard.OLDER))
    )
    for generation in (0, 2, 3, 4, 5, GENERATION_MAX):
        standing = an_app(rotated_at=NOW).standing()
        decision = decide.refresh(standing, token(an_app().row, generation), OTHER_APP, 1, DEFAULT, NOW)
        assert decision.outcome is Outcome.REFUSED
        assert decision.changes == ()


def test_a_refresh_token_of_a_session_that_no_app_holds_is_worth_nothing() -> None:
    """A refresh token that names a browser's session is refused and ends nothing."""
    standing = a_browser().standing()
    decision = decide.refresh(standing, token(a_browser().row, 4), APP, 1, DEFAULT, NOW)
    assert decision.outcome is Outcome.ENDED
    assert decision.changes == ()


def test_a_session_whose_generations_are_used_up_expires() -> None:
    """The last generation that can be written is not rotated: the session's time is over."""
    standing = an_app(generation=GENERATION_MAX).standing()
    decision = decide.refresh(standing, token(an_app().row, GENERATION_MAX), APP, 1, DEFAULT, NOW)
    assert decision.outcome is Outcome.EXPIRED
    one_less = an_app(generation=GENERATION_MAX - 1).standing()
    decision = decide.refresh(one_less, token(an_app().row, GENERATION_MAX - 1), APP, 1, DEFAULT, NOW)
    assert decision.outcome is Outcome.ROTATED
