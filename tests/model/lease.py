"""One verifier, one log, one revoker, one request, under delays, crashes, drift and a failover; the follower is the real one.

Time is whole ticks: a lease lasts three, a beat one, and the margin is one, which is also by how much the verifier's
clock may fall behind. A message is handled at one moment and delivered at another, or never. The revoker appends the
ending of session X with strength `everywhere`, and of every state it is asked whether a request with a token of X would be
accepted that begins now.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property

from tallystick.core.credentials.view import SessionView
from tallystick.core.ids import BROWSER_CLIENT, PrincipalId, SessionId
from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import GENESIS, ORIGIN, Ending, Kind, Position, Revocation, place
from tallystick.core.revocation.feed import Answer, Beat, Snapshot
from tallystick.core.verification.everywhere import Everywhere
from tallystick.core.verification.follow import NEVER, Follower, Sent
from tallystick.core.verification.steps import (
    Ack,
    Acked,
    Action,
    Heard,
    Open,
    Opened,
    Register,
    Registered,
    SendBeat,
    TakeSnapshot,
    Tick,
    Wait,
    Waited,
)

LEASE, MARGIN = 3.0, 1.0
STALENESS = Staleness(lease_s=LEASE, beat_s=1.0, drift_ppm=0, tick_slack_s=MARGIN)
X, Y = (SessionId.of(name.ljust(16, b".")) for name in (b"X", b"Y"))
ADA = PrincipalId.of(b"ada".ljust(16, b"."))
EPOCH = 7


def view_of(session: SessionId) -> SessionView:
    """A token of a session, minted before everything."""
    return SessionView(session, ADA, BROWSER_CLIENT, frozenset(), Position(EPOCH, 0), "access_token", 10**9)


class Memory:
    """A follower that does not change, compared by what decides its behaviour."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower

    @cached_property
    def key(self) -> Hashable:
        """Everything that decides what the follower does next."""
        kept = (
            getattr(self.follower, f.name) for f in fields(Follower) if f.name not in ("index", "news", "era", "beats")
        )
        return (*kept, self.follower.index.frozen())

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Memory) and self.key == other.key

    def changed(self) -> Follower:
        """Gives a copy to change."""
        twin = copy.copy(self.follower)
        twin.index = copy.deepcopy(self.follower.index)
        twin.news = []
        return twin


@dataclass(frozen=True)
class Log:
    """The log's store: entries, and the verifier's row."""

    entries: tuple[Revocation, ...] = ()
    epoch: int = EPOCH
    row: str = ""
    acked: Position = ORIGIN
    ack_wanted: Position = ORIGIN

    @property
    def head(self) -> Position:
        """The last position."""
        return self.entries[-1].position if self.entries else Position(self.epoch, 0)

    @property
    def chain(self) -> bytes:
        """The chain hash there."""
        return self.entries[-1].chain if self.entries else GENESIS

    def append(self, ending: Ending) -> Log:
        """Appends, and asks for acks."""
        position = Position(self.epoch, self.head.seq + 1 if self.head.epoch == self.epoch else 1)
        return replace(self, entries=(*self.entries, place(self.chain, position, ending, 0)), ack_wanted=position)

    def answer(self, beat: Beat, *, cut_short: bool = False, by_number: bool = False) -> Answer:
        """Answers a beat in one step."""
        after = tuple(entry for entry in self.entries if entry.position > beat.applied)
        known = {Position(EPOCH, 0): GENESIS} | {entry.position: entry.chain for entry in self.entries}
        forked = known.get(beat.applied) != beat.chain if not by_number else beat.applied > self.head
        return Answer(
            nonce=beat.nonce,
            registered=self.row == beat.verifier,
            head=self.head,
            head_chain=self.chain if not by_number else beat.chain if not after else after[-1].chain,
            entries=() if cut_short else after,
            more=cut_short and bool(after),
            forked=forked,
            below_tail=False,
            ack_wanted=self.ack_wanted,
        )


@dataclass(frozen=True)
class Call:
    """`revoke(X, strength="everywhere")`: when it appended, what it waits for, whether it has returned."""

    registry: tuple[tuple[str, Position], ...] | None = None
    waiting: Everywhere | None = None
    appended_at: int | None = None
    returned: bool = False

    def __hash__(self) -> int:
        acked = tuple(sorted(self.waiting.acked)) if self.waiting else ()
        return hash(
            (self.registry, self.waiting.missing if self.waiting else None, acked, self.appended_at, self.returned)
        )


@dataclass(frozen=True)
class LeaseState:
    """Everything."""

    memory: Memory
    action: Action | None
    log: Log
    now: int = 0
    slow: int = 0
    call: Call = Call()
    looked_up: bool | None = None
    wrong: str = ""
    answers: tuple[Answer, ...] = ()
    restarts: int = 0
    timer_flag: bool = False

    def __hash__(self) -> int:
        return hash((self.memory, self.action, self.log, self.now, self.slow, self.call, self.looked_up, self.answers))


class LeaseModel:
    """The real follower, index, check and wait, with a mistake or without one.

    Args:
        mistake: the name of a mistake to make, or the empty text.
        last_tick: how far time goes.
        restarts: how many times the verifier's process may be replaced.
        drift: the verifier's clock may fall behind by the margin.
    """

    def __init__(self, mistake: str = "", *, last_tick: int = 5, restarts: int = 0, drift: bool = True) -> None:
        self.mistake = mistake
        self.last_tick = last_tick
        self.restarts = restarts
        self.drift = drift

    # ── the verifier ─────────────────────────────────────────────────────────────────────────────────────────────

    def initial(self) -> Iterator[LeaseState]:
        """A verifier starts against an empty log."""
        yield self._started(LeaseState(Memory(Follower("v0", STALENESS)), None, Log()), "v0")

    def _started(self, state: LeaseState, name: str) -> LeaseState:
        follower = Follower(name, STALENESS)
        if self.mistake == "beat_before_register":
            follower.is_registered = True
        if self.mistake == "lease_persisted" and state.restarts:
            follower.deadline = state.memory.follower.deadline
        action = follower.step(Waited(), self._tick(state, follower))
        return replace(state, memory=Memory(follower), action=action, answers=())

    def _tick(self, state: LeaseState, follower: Follower) -> Tick:
        boot = float(state.now - state.slow)
        # Nonces differ between the few beats whose answers can be out; the wall clock follows the verifier's own.
        return Tick(boot, 1000.0 + boot, (follower.beats % 4).to_bytes(16, "big") + b"\0")

    def _heard(self, state: LeaseState, heard: Heard) -> LeaseState:
        follower = state.memory.changed()
        before = follower.deadline
        sent = follower.sent
        action = follower.step(heard, self._tick(state, follower))
        if isinstance(heard, Answer) and sent is not None and heard.nonce == sent.nonce:
            self._mistaken_lease(state, follower, heard, before, sent)
        flag = state.timer_flag or follower.deadline > before
        return replace(state, memory=Memory(follower), action=action, timer_flag=flag)

    def _mistaken_lease(self, state: LeaseState, follower: Follower, heard: Answer, before: float, sent: Sent) -> None:
        if self.mistake == "lease_from_receive" and follower.deadline > before:
            follower.deadline = state.now - state.slow + LEASE
        if self.mistake == "lease_from_receive" and follower.deadline == before != NEVER:
            follower.deadline = max(before, state.now - state.slow + LEASE)
        if self.mistake == "renew_without_head" and heard.more:
            follower.deadline = max(before, sent.boot + LEASE)

    # ── what can happen ──────────────────────────────────────────────────────────────────────────────────────────

    def steps(self, state: LeaseState) -> Iterator[tuple[str, LeaseState]]:
        """What can happen next; nothing that matters, once the verifier knows of the ending and stays."""
        if not _clear(state) and state.restarts == self.restarts and not self.mistake.startswith("lookup"):
            return
        if state.now < self.last_tick:
            yield "a tick passes", replace(state, now=state.now + 1)
            if self.drift and state.slow < MARGIN:
                yield (
                    "a tick passes, and the verifier's clock falls behind",
                    replace(state, now=state.now + 1, slow=state.slow + 1),
                )
        yield from self._verifier(state)
        yield from self._revoker(state)
        yield from self._request(state)
        if state.restarts < self.restarts and state.memory.follower.deadline != NEVER:
            again = replace(state, restarts=state.restarts + 1)
            yield "the verifier's process is replaced", self._started(again, f"v{again.restarts}")
        if self.mistake == "log_loses_record" and state.call.returned and state.log.entries:
            yield "a failover loses the entry", replace(state, log=replace(state.log, entries=()))
        if self.mistake == "timer_flag" and state.timer_flag:
            yield "the verifier's timer clears its flag", replace(state, timer_flag=False)

    def _verifier(self, state: LeaseState) -> Iterator[tuple[str, LeaseState]]:
        for answer in state.answers:
            rest = tuple(one for one in state.answers if one is not answer)
            yield from self._delivered(replace(state, answers=rest), answer)
        match state.action:
            case Open():
                yield "the verifier opens the log", self._heard(state, Opened(STALENESS))
            case Register(verifier=name):
                row = replace(state.log, row=name, acked=ORIGIN)
                yield f"{name} is registered", self._heard(replace(state, log=row), Registered())
            case TakeSnapshot():
                log = state.log
                snapshot = Snapshot(log.head, log.chain, log.entries, ORIGIN)
                yield "the verifier reads a snapshot", self._heard(state, snapshot)
            case Ack(verifier=name, applied=applied):
                known = state.log.row == name
                acked = replace(state.log, acked=applied) if known else state.log
                told = self._heard(replace(state, log=acked), Acked(applied, known))
                yield f"{name} acks {applied.seq}", told
            case SendBeat(beat=beat):
                yield from self._answered(state, beat)
            case Wait():
                due = state.memory.follower.next_at
                if state.now - state.slow >= due or state.log.head > state.memory.follower.applied:
                    yield "the verifier wakes", self._heard(state, Waited())
            case None:
                pass

    def _answered(self, state: LeaseState, beat: Beat) -> Iterator[tuple[str, LeaseState]]:
        idle = replace(state, action=None)
        answer = state.log.answer(beat)
        if self.mistake == "beat_before_register":
            answer = replace(answer, registered=True)
        yield f"the log answers a beat, head {answer.head.seq}", replace(idle, answers=(*state.answers, answer))
        if answer.entries:
            short = state.log.answer(beat, cut_short=True)
            yield "the log answers a beat with a part", replace(idle, answers=(*state.answers, short))
            if self.mistake == "stale_primary":
                old = replace(state.log, entries=()).answer(beat)
                yield "a deposed primary answers a beat", replace(idle, answers=(*state.answers, old))

    def _delivered(self, state: LeaseState, answer: Answer) -> Iterator[tuple[str, LeaseState]]:
        if self.mistake == "ack_on_receive" and answer.entries and state.log.acked < answer.head:
            received = replace(state, log=replace(state.log, acked=answer.head), answers=(*state.answers, answer))
            yield f"the verifier receives entries up to {answer.head.seq} and acks them", received
            return
        yield f"the answer with head {answer.head.seq} arrives", self._heard(state, answer)

    def _revoker(self, state: LeaseState) -> Iterator[tuple[str, LeaseState]]:
        call, log = state.call, state.log
        bound_s = LEASE if self.mistake == "no_drift_margin" else STALENESS.bound_s
        registry = {log.row: log.acked} if log.row else {}
        if self.mistake == "connected_only" and not isinstance(state.action, SendBeat):
            registry = {}
        if call.appended_at is None:
            if self.mistake == "registry_snapshot" and call.registry is None:
                seen = tuple(registry.items())
                yield "the revoker reads the registry", replace(state, call=replace(call, registry=seen))
                return
            appended = log.append(Ending(Kind.SESSION, X))
            yield "the ending of X is appended", replace(state, log=appended, call=replace(call, appended_at=state.now))
        elif call.waiting is None:
            known = dict(call.registry) if call.registry is not None else registry
            waiting = Everywhere.begin(Position(EPOCH, 1), float(call.appended_at), known, bound_s)
            if self.mistake == "no_acks":
                waiting = replace(waiting, missing=())
            yield "the revoker waits for whoever is registered", replace(state, call=replace(call, waiting=waiting))
        elif not call.returned:
            heard = call.waiting.heard({log.row: log.acked} if log.row else {}, float(state.now))
            if heard.done(float(state.now)):
                yield "the call returns", replace(state, call=replace(call, waiting=heard, returned=True))

    def _request(self, state: LeaseState) -> Iterator[tuple[str, LeaseState]]:
        """A request in two moments, for the mistake that needs them; else the check is asked of every state."""
        if self.mistake != "lookup_then_lease":
            return
        if state.looked_up is None:
            if state.call.returned and _clear(state):
                yield "a request begins and finds nothing against X", replace(state, looked_up=True)
        elif self._leased(state):
            yield "then it finds the lease good", replace(state, wrong="Everywhere")

    def _leased(self, state: LeaseState) -> bool:
        if self.mistake == "timer_flag":
            return state.timer_flag
        return state.now - state.slow < state.memory.follower.deadline

    def broken(self, state: LeaseState) -> str | None:
        """Everywhere and Bounded: whether a request with a token of X that begins now is accepted."""
        call = state.call
        late = call.appended_at is not None and state.now >= call.appended_at + STALENESS.bound_s
        wrong = state.wrong
        if (call.returned or late) and self._leased(state) and _clear(state):
            wrong = "Everywhere" if call.returned else "Bounded"
        return f"{wrong}: a request that began too late was accepted" if wrong else None


def _clear(state: LeaseState) -> bool:
    return state.memory.follower.index.covers(view_of(X)) is None
