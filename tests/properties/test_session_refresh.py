"""One app's session under two tabs, answers that are lost, a thief, an administrator and the clock, in any order."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tallystick.core.credentials.refresh_token import derive_refresh_token, parse_refresh_token
from tallystick.core.ids import ClientId, SessionId
from tallystick.core.policy import Policy
from tallystick.core.revocation.entry import EVERYTHING, Ending, Kind
from tallystick.core.session import decide
from tallystick.core.session.decision import Decision, Outcome, UpdateSession
from tallystick.core.session.model import AppHolder, Session
from tallystick.core.session.standing import Standing, Verdict
from tests.model.database import ADA, APP, Database
from tests.support.sessions import a_browser, an_app

MASTERS = {1: bytes(range(32)), 2: bytes(range(32, 64))}
POLICY = Policy(refresh_grace=10)
STRANGER = ClientId("stranger")
PARTIES = ("tab 1", "tab 2", "the thief")


@dataclass(frozen=True)
class Waiting:
    """A refresh that the authority has begun: what was presented, and what it has read."""

    who: str
    token: str
    client: ClientId
    read: Standing
    begun_at: int


class OneSession(RuleBasedStateMachine):
    """An app's session, bound to a browser's or not, and everybody who has ever held a refresh token of it."""

    @initialize(bound=st.booleans())
    def open(self, *, bound: bool) -> None:
        browser = a_browser("opener").row
        app = an_app("app", generation=0, client=APP).row
        self.opener = replace(browser, principal=ADA, born=Database().head)
        app = replace(app, principal=ADA, born=Database().head, opened_from=self.opener.id, bound=bound)
        self.app: SessionId = app.id
        self.bound = bound
        self.books = Database().put(self.opener).put(app)
        self.now = app.opened_at
        first = self.text(0, 1)
        self.held: dict[str, list[str]] = {who: [first] for who in PARTIES}
        self.handed_out: dict[int, set[str]] = {0: {first}}
        self.rotated: list[int] = []
        self.waiting: list[Waiting] = []
        self.dead = False

    def text(self, generation: int, version: int) -> str:
        """Gives the text of a refresh token."""
        return derive_refresh_token(MASTERS[version], self.app, generation).reveal()

    def row(self) -> Session:
        """Gives the session's row."""
        found = self.books.session(self.app)
        assert found is not None
        return found

    def judge(self, token: str, client: ClientId, standing: Standing, version: int = 1) -> Decision:
        """Asks the rules what a token does."""
        presented = parse_refresh_token(token, MASTERS)
        assert presented is not None
        return decide.refresh(standing, presented, client, version, POLICY, self.now)

    # ── what can happen ──────────────────────────────────────────────────────────────────────────────────────────

    @rule(who=st.sampled_from(PARTIES), age=st.integers(0, 2), client=st.sampled_from([APP, APP, APP, STRANGER]))
    def present(self, who: str, age: int, client: ClientId) -> None:
        """Somebody presents one of the last tokens they hold; the authority reads the session."""
        token = self.held[who][-1 - min(age, len(self.held[who]) - 1)]
        self.waiting.append(Waiting(who, token, client, self.books.standing(self.app), self.now))

    @precondition(lambda self: self.waiting)
    @rule(pick=st.integers(0, 9), lost=st.booleans(), version=st.sampled_from([1, 2]))
    def decide_and_commit(self, pick: int, version: int, *, lost: bool) -> None:
        """One of the requests is decided on what it had read, and committed; the answer arrives or is lost."""
        request = self.waiting.pop(pick % len(self.waiting))
        decision = self.judge(request.token, request.client, request.read, version)
        after = self.books.commit(decision.changes, self.now)
        if after is None:
            assert any(isinstance(one, UpdateSession) for one in decision.changes), "an ending cannot lose"
            self.waiting.append(replace(request, read=self.books.standing(self.app)))
            return
        self.books = after
        if decision.outcome is Outcome.REUSED:
            self.dead = True
        if decision.to_deliver is None:
            return
        generation = decision.to_deliver.refresh_generation
        assert generation is not None
        if decision.outcome is Outcome.ROTATED:
            self.rotated.append(generation - 1)
        text = self.text(generation, decision.to_deliver.refresh_version)
        self.handed_out.setdefault(generation, set()).add(text)
        if not lost:
            self.held[request.who].append(text)

    @rule(who=st.sampled_from(PARTIES[:2]))
    def steal(self, who: str) -> None:
        """The thief copies what a tab holds."""
        self.held["the thief"].append(self.held[who][-1])

    @rule()
    def tabs_share(self) -> None:
        """The tabs look into the storage that they share."""
        newest = max((self.held[who][-1] for who in PARTIES[:2]), key=lambda text: int(text.split("_")[2]))
        for who in PARTIES[:2]:
            self.held[who].append(newest)

    @rule(seconds=st.sampled_from([1, 5, 10, 11, 3600]))
    def wait(self, seconds: int) -> None:
        """Time goes on."""
        self.now += seconds

    @rule(how=st.sampled_from(["itself", "opener", "principal", "client", "all"]))
    @precondition(lambda self: self.now > self.opener.opened_at + 10)
    def end(self, how: str) -> None:
        """The session ends by itself, with its opener, or by a cut."""
        match how:
            case "itself":
                decision = decide.revoke(self.app, "revoked")
            case "opener":
                decision = decide.revoke(self.opener.id, "signed out")
            case "principal":
                decision = decide.cut(Ending(Kind.PRINCIPAL, ADA))
            case "client":
                decision = decide.cut(Ending(Kind.CLIENT, APP))
            case _:
                decision = decide.cut(EVERYTHING)
        after = self.books.commit(decision.changes, self.now)
        assert after is not None, "an ending cannot lose"
        self.books = after
        self.dead = self.dead or how != "opener" or self.bound

    # ── what must hold ───────────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def one_rotation_for_each_generation(self) -> None:
        """OneWinner: no generation is traded twice, and each has one successor, to the byte."""
        assert len(set(self.rotated)) == len(self.rotated)
        assert all(len(texts) == 1 for texts in self.handed_out.values())

    @invariant()
    def at_most_one_token_is_current(self) -> None:
        """OneWinner: of all tokens that ever left, one rotates and one more repeats, and both lead to the same one."""
        standing, leads = self.books.standing(self.app), list[tuple[Outcome, int | None]]()
        for texts in self.handed_out.values():
            for text in texts:
                decision = self.judge(text, APP, standing)
                if decision.to_deliver is not None:
                    leads.append((decision.outcome, decision.to_deliver.refresh_generation))
        holder = self.row().holder
        assert isinstance(holder, AppHolder)
        rotating = [generation for outcome, generation in leads if outcome is Outcome.ROTATED]
        repeating = [generation for outcome, generation in leads if outcome is Outcome.REPEATED]
        assert rotating in ([], [holder.generation + 1])
        assert repeating in ([], [holder.generation])
        assert not repeating or self.now <= holder.rotated_at + POLICY.refresh_grace

    @invariant()
    def nothing_resurrects(self) -> None:
        """NothingResurrects: what has ended hands nothing out again, whoever asks, with whatever they hold."""
        standing = self.books.standing(self.app)
        if self.dead:
            assert standing.verdict(self.now) is Verdict.ENDED
            assert decide.mint(standing, self.now).to_deliver is None
            for texts in self.handed_out.values():
                for text in texts:
                    decision = self.judge(text, APP, standing)
                    assert decision.outcome is Outcome.ENDED
                    assert decision.changes == ()

    @invariant()
    def a_stranger_gets_and_ends_nothing(self) -> None:
        """OneWinner: another client's answer is a refusal without a change."""
        standing = self.books.standing(self.app)
        for texts in self.handed_out.values():
            for text in texts:
                decision = self.judge(text, STRANGER, standing)
                assert decision.changes == ()
                assert decision.to_deliver is None


OneSession.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestOneSession = OneSession.TestCase
TestOneSession.__doc__ = "However tabs, thieves and time interleave, one successor is live and what ended stays ended."
