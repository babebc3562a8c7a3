"""Opening a client's session from a browser's, against the browser's ending, and the refreshes of what was opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tallystick.core.credentials.refresh_token import RefreshToken
from tallystick.core.ids import SessionId
from tallystick.core.policy import Clocks, Policy
from tallystick.core.revocation.entry import Ending, Kind, Position
from tallystick.core.session import decide
from tallystick.core.session.decision import EndSession, OpenSession, Outcome
from tallystick.core.session.model import Authentication, Session
from tallystick.core.session.opening import AppGrant, Birth, open_browser, open_from
from tallystick.core.session.standing import Standing, Verdict
from tests.model.database import ADA, APP, Database

IDLE = 2
POLICY = Policy(browser=Clocks(600, 600), app=Clocks(6000, 6000))
STEP = 301
"""Seconds in one tick: two of them without use are more than the browser's idle lifetime."""
B = SessionId.of(b"B".ljust(16, b"."))
CHILD = SessionId.of(b"child".ljust(16, b"."))
PROVED = Authentication(0, ("pwd",), "password")
GRANT = AppGrant(APP, frozenset({"notes"}), (), 1)


@dataclass(frozen=True)
class OpeningState:
    """The database, the clock, what is on its way.

    Args:
        database: rows, cuts, log.
        now: ticks.
        opening: what the opening has read of the browser's session; None while nothing is on its way.
        born: the position that the authorization request read first.
        refreshing: what a refresh of the opened session has read.
        ended_acked: the ending of the browser's session was answered.
        listed: what a mistaken ending has listed as bound, before its commit.
        good_after: something that was opened worked after the answer of the ending.
        refused_in_vain: an opening lost to a cut that lies before its request.
    """

    database: Database
    now: int = 0
    opening: Standing | None = None
    born: Position | None = None
    refreshing: Standing | None = None
    ended_acked: bool = False
    listed: tuple[SessionId, ...] | None = None
    good_after: str = ""
    refused_in_vain: bool = False


class OpeningModel:
    """Real `open_from`, `refresh` and endings, with a mistake or without one."""

    def __init__(self, mistake: str = "", *, last_tick: int = 3) -> None:
        self.mistake = mistake
        self.last_tick = last_tick

    def initial(self) -> Iterator[OpeningState]:
        """A browser of Ada's is signed in."""
        first = open_browser(Birth(B, ADA, Position(1, 0), 0), PROVED, bytes(32), POLICY)
        database = Database().commit(first.changes, 0)
        assert database is not None
        yield OpeningState(database)

    def steps(self, state: OpeningState) -> Iterator[tuple[str, OpeningState]]:
        """What can happen next."""
        if state.now < self.last_tick:
            yield "time passes", replace(state, now=state.now + 1)
        yield from self._open(state)
        yield from self._refresh(state)
        yield from self._end(state)
        if len(state.database.log) < 2:
            for ending in (Ending(Kind.PRINCIPAL, ADA), Ending(Kind.CLIENT, APP)):
                cut = replace(state.database, log=(*state.database.log, ending))
                yield f"everything of the {ending.kind.name.lower()} is cut", replace(state, database=cut)

    def _open(self, state: OpeningState) -> Iterator[tuple[str, OpeningState]]:
        now = state.now * STEP
        if state.database.session(CHILD) is not None:
            return
        if state.opening is None:
            standing = state.database.standing(B)
            if standing.live(now) is not None:
                born = state.database.head
                yield "a client asks; the browser's session is read", replace(state, opening=standing, born=born)
            return
        parent = state.opening.session
        assert parent is not None
        assert state.born is not None
        born = parent.born if self.mistake == "born_from_the_other" else state.born
        decision = open_from(state.opening, Birth(CHILD, ADA, born, now), GRANT, (PROVED,), POLICY, bound=True)
        if decision.outcome is not Outcome.OPENED:
            yield "the opening is refused", replace(state, opening=None, born=None)
            return
        changes = decision.changes
        if self.mistake == "opened_slips_past_ending":
            changes = tuple(replace(one, raises=None) if isinstance(one, OpenSession) else one for one in changes)
        database = state.database.commit(changes, now)
        if database is None:
            stored = state.database.session(B)
            unchanged = stored is not None and stored.version == parent.version and stored.ended is None
            wrong = unchanged and state.born >= state.database.newest_cut(ADA, APP)
            yield "the opening loses and begins again", replace(state, opening=None, born=None, refused_in_vain=wrong)
            return
        yield "the client's session is opened", replace(state, database=database, opening=None)

    def _refresh(self, state: OpeningState) -> Iterator[tuple[str, OpeningState]]:
        now, row = state.now * STEP, state.database.session(CHILD)
        if row is None or row.version > 2:
            return
        if state.refreshing is None:
            yield "the client refreshes; its session is read", replace(state, refreshing=self._read(state.database))
            return
        read = state.refreshing
        assert read.session is not None
        decision = decide.refresh(read, RefreshToken(CHILD, 0, 1), APP, 1, POLICY, now)
        if decision.outcome not in (Outcome.ROTATED, Outcome.REPEATED):
            yield f"the refresh is answered {decision.outcome.value}", replace(state, refreshing=None)
            return
        database = self._commit_refresh(state.database, decision.changes, now)
        if database is None:
            yield "the refresh loses and is decided again", replace(state, refreshing=None)
            return
        good = self._wrong(state, now)
        yield "the refresh works", replace(state, database=database, refreshing=None, good_after=good)

    def _read(self, database: Database) -> Standing:
        standing = database.standing(CHILD)
        if self.mistake == "opened_outlives_the_others_clock" and standing.session is not None:
            return replace(standing, session=replace(standing.session, bound=False))
        return standing

    def _commit_refresh(self, database: Database, changes: tuple[object, ...], now: int) -> Database | None:
        if self.mistake == "opened_rotates_past_ending":
            # Written without a look at what became of the row meanwhile.
            rows = [one.session for one in changes if hasattr(one, "session") and isinstance(one.session, Session)]
            return database.put(replace(rows[0], ended=None)) if rows else database
        return database.commit(changes, now)  # type: ignore[arg-type]

    def _wrong(self, state: OpeningState, now: int) -> str:
        """Says why a refresh must not have worked: the browser's session was over before it was read or committed."""
        if state.ended_acked:
            return "OneRoot: what was opened from an ended session refreshes"
        read_at = state.refreshing
        assert read_at is not None
        browser = state.database.standing(B)
        if read_at.session is not None and browser.verdict(now) is Verdict.EXPIRED:
            return "OneRoot: what was opened outlives the clock of the one it was opened from"
        return ""

    def _end(self, state: OpeningState) -> Iterator[tuple[str, OpeningState]]:
        now = state.now * STEP
        if state.ended_acked:
            return
        if self.mistake != "opened_listed_before_commit":
            database = state.database.commit((EndSession(B, "signed out"),), now)
            assert database is not None
            yield "the browser signs out", replace(state, database=database, ended_acked=True)
            return
        if state.listed is None:
            bound = tuple(row.id for row in state.database.sessions if row.opened_from == B and row.bound)
            yield "the browser signs out: what is bound to it is listed", replace(state, listed=bound)
            return
        database = state.database
        for name in (B, *state.listed):
            alone = replace(database, sessions=tuple(row for row in database.sessions if row.id == name))
            ended = alone.commit((EndSession(name, "signed out"),), now)
            assert ended is not None
            row = ended.session(name)
            assert row is not None
            database = replace(database.put(row), log=ended.log)
        yield "what was listed ends", replace(state, database=database, ended_acked=True)

    def broken(self, state: OpeningState) -> str | None:
        """OneRoot."""
        if state.good_after:
            return state.good_after
        if state.refused_in_vain:
            return "MintedBefore: an opening that was asked for after a cut loses to it"
        row = state.database.session(CHILD)
        logged = {one.name for one in state.database.log if one.kind is Kind.SESSION}
        if state.ended_acked and row is not None and CHILD not in logged:
            # A verifier knows nothing of the browser's session: it needs the entry for this one.
            return "OneRoot: the browser's session has ended, and no entry ends what was opened from it"
        return None
