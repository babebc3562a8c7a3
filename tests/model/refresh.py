"""Two tabs of one app, answers that get lost, a thief with a copy, and somebody else's client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tallystick.core.credentials.refresh_token import RefreshToken
from tallystick.core.ids import ClientId, SessionId
from tallystick.core.policy import Clocks, Policy
from tallystick.core.session import decide
from tallystick.core.session.decision import Decision, Outcome, UpdateSession
from tallystick.core.session.model import AppHolder, Session
from tallystick.core.session.standing import Standing
from tests.model.database import ADA, APP, Database

GRACE = 1
POLICY = Policy(refresh_grace=GRACE)
STRANGER = ClientId("stranger")
S = SessionId.of(b"S".ljust(16, b"."))

Token = tuple[int, int]
"""A refresh token: its generation, and 0; a second, different successor of one generation would have another number."""


@dataclass(frozen=True)
class Request:
    """A refresh on its way: what was presented, and what the authority has read so far."""

    who: str
    token: Token
    client: ClientId
    read: Standing | None = None


@dataclass(frozen=True)
class RefreshState:
    """Everything: the database, the clock, what each party holds, requests on their way, what came of them."""

    database: Database
    now: int
    tabs: Token
    thief: Token | None
    requests: tuple[Request, ...] = ()
    rotations: tuple[int, ...] = ()
    leaves: frozenset[Token] = frozenset({(0, 0)})
    late_repeat: bool = False
    stranger_ended: bool = False
    honest_lost: bool = False


class RefreshModel:
    """The real `decide.refresh` with a mistake, or without one.

    Args:
        mistake: the name of a mistake to make, or the empty text.
        last_instant: how far the clock runs.
        generations: how many rotations are explored.
        with_thief: a thief may copy the token that the tabs hold.
        with_stranger: another client may present an old token.
    """

    def __init__(
        self,
        mistake: str = "",
        *,
        last_instant: int = 3,
        generations: int = 3,
        with_thief: bool = True,
        with_stranger: bool = True,
    ) -> None:
        self.mistake = mistake
        self.last_instant = last_instant
        self.generations = generations
        self.with_thief = with_thief
        self.with_stranger = with_stranger

    def initial(self) -> Iterator[RefreshState]:
        """An app's session with its first refresh token."""
        row = Session(
            id=S, version=1, principal=ADA, holder=AppHolder(APP, 0, 1, 0), opened_from=None, bound=False,
            scopes=frozenset({"notes"}), resources=(), authentications=(), born=Database().head,
            opened_at=0, active_at=0, clocks=Clocks(100, 100),
        )  # fmt: skip
        yield RefreshState(Database((row,)), 0, (0, 0), None)

    def steps(self, state: RefreshState) -> Iterator[tuple[str, RefreshState]]:
        """What can happen next."""
        if state.now < self.last_instant:
            yield "a second passes", replace(state, now=state.now + 1)
        if self.with_thief and state.thief is None:
            yield f"a thief copies {_name(state.tabs)}", replace(state, thief=state.tabs)
        waiting = {request.who for request in state.requests}
        for who, token, client in self._presenters(state):
            if who not in waiting and token[0] < self.generations:
                yield (
                    f"{who} presents {_name(token)}",
                    replace(state, requests=(*state.requests, Request(who, token, client))),
                )
        for request in state.requests:
            yield from self._progress(state, request)

    def _presenters(self, state: RefreshState) -> Iterator[tuple[str, Token, ClientId]]:
        yield "tab 1", state.tabs, APP
        yield "tab 2", state.tabs, APP
        if state.thief is not None:
            yield "the thief", state.thief, APP
        if self.with_stranger:
            yield "a stranger's client", (0, 0), STRANGER

    def _progress(self, state: RefreshState, request: Request) -> Iterator[tuple[str, RefreshState]]:
        others = tuple(one for one in state.requests if one != request)
        if request.read is None:
            read = replace(request, read=state.database.standing(S))
            yield f"the authority reads the session for {request.who}", replace(state, requests=(*others, read))
            return
        presented = RefreshToken(S, request.token[0], 1)
        decision = self._decide(request.read, presented, request.client, state.now)
        changes = decision.changes
        if self.mistake == "two_statement_rotation":
            # Checked in one statement, written in the next, whatever came in between.
            stored = state.database.session(S)
            assert stored is not None
            changes = tuple(
                replace(one, session=replace(one.session, version=stored.version))
                if isinstance(one, UpdateSession) and stored.ended is None
                else one
                for one in changes
            )
        database = state.database.commit(changes, state.now)
        if database is None:
            again = replace(request, read=None)
            yield f"the commit for {request.who} loses; it is decided again", replace(state, requests=(*others, again))
            return
        yield from self._answered(replace(state, requests=others, database=database), request, decision)

    def _decide(self, standing: Standing, presented: RefreshToken, client: ClientId, now: int) -> Decision:
        policy = POLICY
        if self.mistake == "replay_until_used":
            policy = replace(POLICY, refresh_grace=60)
        if self.mistake == "strict_single_use" and standing.session is not None:
            holder = standing.session.holder
            assert isinstance(holder, AppHolder)
            if presented.generation != holder.generation:
                return decide.revoke(S, "reuse")
        if self.mistake == "wrong_binding_ends_session" and client != APP:
            return decide.revoke(S, "reuse")
        return decide.refresh(standing, presented, client, 1, policy, now)

    def _answered(
        self, state: RefreshState, request: Request, decision: Decision
    ) -> Iterator[tuple[str, RefreshState]]:
        who, outcome = request.who, decision.outcome
        row = state.database.session(S)
        assert row is not None
        holder = row.holder
        assert isinstance(holder, AppHolder)
        if request.client == STRANGER and decision.changes:
            yield f"{who} is answered {outcome.value}", replace(state, stranger_ended=True)
            return
        if outcome in (Outcome.ROTATED, Outcome.REPEATED):
            assert decision.to_deliver is not None
            assert decision.to_deliver.refresh_generation is not None
            twin = 1 if self.mistake == "successor_per_replay" and outcome is Outcome.REPEATED else 0
            token = (decision.to_deliver.refresh_generation, twin)
            rotations = (*state.rotations, request.token[0]) if outcome is Outcome.ROTATED else state.rotations
            late = outcome is Outcome.REPEATED and state.now > holder.rotated_at + GRACE
            after = replace(
                state, rotations=rotations, leaves=state.leaves | {token}, late_repeat=state.late_repeat or late
            )
            yield f"{who} gets {_name(token)} ({outcome.value})", self._received(after, who, token)
            if who != "the thief":
                yield f"the answer to {who}, {_name(token)}, is lost", after
            return
        # A grandparent is reuse by the rules: two rotations inside one round trip cannot be told from a thief.
        near = request.token[0] >= holder.generation - 1
        reused = who.startswith("tab") and near and outcome is Outcome.REUSED
        honest = reused and state.thief is None and state.now <= holder.rotated_at + GRACE
        yield f"{who} is answered {outcome.value}", replace(state, honest_lost=state.honest_lost or honest)

    @staticmethod
    def _received(state: RefreshState, who: str, token: Token) -> RefreshState:
        if who == "the thief":
            return replace(state, thief=token)
        # The tabs share one storage; an answer that comes late does not put an older token back.
        return replace(state, tabs=max(state.tabs, token))

    def broken(self, state: RefreshState) -> str | None:
        """OneWinner, in its parts."""
        if len(set(state.rotations)) != len(state.rotations):
            return "OneWinner: one generation was rotated twice"
        if any((generation, 1) in state.leaves for generation, _ in state.leaves):
            return "OneWinner: one generation has two live successors"
        if state.late_repeat:
            return "OneWinner: a predecessor was repeated after the grace"
        if state.stranger_ended:
            return "OneWinner: a wrong client ended the session"
        if state.honest_lost:
            return "OneWinner: an honest app lost its session inside the grace"
        return None


def _name(token: Token) -> str:
    return f"S.{token[0]}" + ("'" if token[1] else "")
