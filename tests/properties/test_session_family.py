"""A person's sessions, opened from one another, stepped up, ended and cut in any order, with slow requests in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tallystick.core.ids import SessionId
from tallystick.core.policy import Policy
from tallystick.core.revocation.entry import EVERYTHING, Ending, Kind, Position
from tallystick.core.secret import Digest
from tallystick.core.session import decide
from tallystick.core.session.decision import Decision, OpenSession
from tallystick.core.session.model import Authentication, BrowserHolder, Session
from tallystick.core.session.opening import AppGrant, Birth, open_browser, open_from
from tallystick.core.session.standing import Verdict, level_of_cookie
from tests.model.database import ADA, APP, Database

POLICY = Policy(sessions_per_opener_and_client=3, unbound_sessions_per_client=3)
GRANT = AppGrant(APP, frozenset({"notes"}), (), 1)


@dataclass(frozen=True)
class Slow:
    """A request that has read and not yet committed: what it decided, and where the log was when it began to read."""

    decision: Decision
    began: Position


class Family(RuleBasedStateMachine):
    """All sessions of one person."""

    @initialize()
    def begin(self) -> None:
        self.books = Database()
        self.now = 1_700_000_000
        self.drawn = 0
        self.slow: list[Slow] = []
        self.dead: set[SessionId] = set()
        self.cookies: dict[Digest, SessionId] = {}
        self.cuts: list[Position] = []

    def draw(self, count: int) -> bytes:
        """Draws bytes that never come twice."""
        self.drawn += 1
        return self.drawn.to_bytes(count, "big")

    def birth(self) -> Birth:
        """Gives a birth of this moment."""
        return Birth(SessionId.of(self.draw(16)), ADA, self.books.head, self.now)

    def browsers(self) -> list[Session]:
        """Gives the live sessions of browsers."""
        return [
            row
            for row in self.books.sessions
            if isinstance(row.holder, BrowserHolder) and self.books.standing(row.id).live(self.now)
        ]

    def ask(self, decision: Decision, *, slowly: bool, began: Position | None = None) -> None:
        """Commits what was decided, now or later."""
        request = Slow(decision, began if began is not None else self.books.head)
        if slowly:
            self.slow.append(request)
        else:
            self.commit(request)

    def commit(self, request: Slow) -> None:
        """Commits; where it loses, nothing of it is there."""
        after = self.books.commit(request.decision.changes, self.now)
        if after is None:
            return
        self.books = after
        for change in request.decision.changes:
            if isinstance(change, OpenSession):
                # MintedBefore: what was opened began to read after every cut.
                assert change.session.born == request.began
                assert all(change.session.born >= cut for cut in self.cuts)
        delivery = request.decision.to_deliver
        if delivery is not None and delivery.cookie is not None:
            self.cookies[Digest.of(delivery.cookie.reveal())] = delivery.session.id

    # ── what can happen ──────────────────────────────────────────────────────────────────────────────────────────

    @rule(slowly=st.booleans())
    def sign_in(self, *, slowly: bool) -> None:
        """A browser signs in, fast or slowly."""
        proof = Authentication(self.now, ("pwd",), "password")
        self.ask(open_browser(self.birth(), proof, self.draw(32), POLICY), slowly=slowly)

    @precondition(lambda self: self.browsers())
    @rule(pick=st.integers(0, 9), bound=st.booleans(), slowly=st.booleans())
    def open_from(self, pick: int, *, bound: bool, slowly: bool) -> None:
        """A client opens a session from a browser's, fast or slowly."""
        parent = self.browsers()[pick % len(self.browsers())]
        opened = [row for row in self.books.sessions if row.opened_from == parent.id and row.ended is None]
        decision = open_from(
            self.books.standing(parent.id), self.birth(), GRANT, parent.authentications, POLICY,
            bound=bound, opened=opened, existing=[row for row in self.books.sessions if row.ended is None],
        )  # fmt: skip
        if decision.to_deliver is not None:
            self.ask(decision, slowly=slowly)

    @precondition(lambda self: self.browsers())
    @rule(pick=st.integers(0, 9), slowly=st.booleans(), everywhere=st.booleans())
    def step_up_or_end_all_but(self, pick: int, *, slowly: bool, everywhere: bool) -> None:
        """A browser proves itself again, or ends every session but its own."""
        row = self.browsers()[pick % len(self.browsers())]
        standing, holder = self.books.standing(row.id), row.holder
        assert isinstance(holder, BrowserHolder)
        if everywhere:
            decision = decide.end_all_but(standing, ADA, self.draw(32), self.now, level=row.authentications)
        else:
            proof = Authentication(self.now, ("hwk",), "passkey")
            decision = decide.step_up(standing, holder.cookie, proof, self.draw(32), POLICY, self.now)
        before = len(self.books.log)
        alive = {one.id for one in self.books.sessions} - self.dead
        self.ask(decision, slowly=slowly and not everywhere)
        if everywhere and len(self.books.log) > before:
            self.cuts.append(self.books.head)
            self.dead |= alive - {row.id}

    @precondition(lambda self: self.slow)
    @rule(pick=st.integers(0, 9))
    def a_slow_one_commits(self, pick: int) -> None:
        """A request that has read long ago commits, or loses."""
        self.commit(self.slow.pop(pick % len(self.slow)))

    @precondition(lambda self: self.books.sessions)
    @rule(pick=st.integers(0, 99), offline=st.booleans())
    def revoke(self, pick: int, *, offline: bool) -> None:
        """A session is ended, with what is bound to it."""
        target = self.books.sessions[pick % len(self.books.sessions)].id
        after = self.books.commit(decide.revoke(target, "revoked", offline=offline).changes, self.now)
        assert after is not None, "an ending cannot lose"
        self.books = after
        taken = [row.id for row in after.sessions if row.opened_from == target and (row.bound or offline)]
        self.dead |= {target, *taken}

    @rule(ending=st.sampled_from([Ending(Kind.PRINCIPAL, ADA), EVERYTHING, Ending(Kind.CLIENT, APP)]))
    def cut(self, ending: Ending) -> None:
        """Everything of a person, of a client, or of everybody ends."""
        after = self.books.commit(decide.cut(ending).changes, self.now)
        assert after is not None, "an ending cannot lose"
        self.books = after
        if ending.kind is not Kind.CLIENT:
            self.cuts.append(after.head)
        covered: Callable[[Session], bool] = lambda row: ending.kind is not Kind.CLIENT or row.client == APP  # noqa: E731
        self.dead |= {row.id for row in after.sessions if covered(row)}

    @rule(seconds=st.sampled_from([1, 59, 60, 3600]))
    def wait(self, seconds: int) -> None:
        """Time goes on."""
        self.now += seconds

    # ── what must hold ───────────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def nothing_resurrects(self) -> None:
        """NothingResurrects: what ended once is ended, whatever commits afterwards."""
        for name in self.dead:
            assert self.books.standing(name).verdict(self.now) is Verdict.ENDED

    @invariant()
    def no_bound_session_is_alone(self) -> None:
        """OneRoot: a bound session lives only while the one it was opened from does."""
        for row in self.books.sessions:
            if row.bound and self.books.standing(row.id).live(self.now):
                assert row.opened_from is not None
                assert self.books.standing(row.opened_from).live(self.now)

    @invariant()
    def an_old_cookie_is_worth_no_more_than_it_was(self) -> None:
        """A cookie that was replaced stands for fewer authentications than its successor, and for a minute only."""
        for digest, name in self.cookies.items():
            row = self.books.session(name)
            assert row is not None
            holder = row.holder
            assert isinstance(holder, BrowserHolder)
            level = level_of_cookie(row, digest, self.now)
            if digest != holder.cookie and level is not None:
                assert digest == holder.previous
                assert self.now < holder.previous_until
                assert len(level) < len(row.authentications)

    @invariant()
    def the_limits_hold(self) -> None:
        """No browser's session has more than three live sessions of one client opened from it."""
        for row in self.books.sessions:
            opened = [one for one in self.books.sessions if one.opened_from == row.id and one.ended is None]
            assert len(opened) <= POLICY.sessions_per_opener_and_client


Family.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestFamily = Family.TestCase
TestFamily.__doc__ = (
    "However a person's sessions are opened, ended and cut, none that ended lives and none is left alone."
)
