"""Bounded and Everywhere, over the real follower: several verifiers, one log, a bag of messages, and everything that
goes wrong: delay, reorder, repeat, loss, pauses, crashes, drifting clocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tallystick.core.ids import SessionId
from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import ORIGIN, Ending, Kind, Position
from tallystick.core.revocation.feed import Snapshot
from tallystick.core.verification.check import check
from tallystick.core.verification.everywhere import Everywhere
from tallystick.core.verification.follow import Follower
from tallystick.core.verification.steps import (
    Ack,
    Acked,
    Action,
    Failed,
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
from tallystick.errors import TallystickError
from tests.unit.core.revocation.views import Mark
from tests.unit.core.verification.plain_log import PlainLog

DRIFT_PPM = 50_000
STALENESS = Staleness(lease_s=3.0, beat_s=1.0, drift_ppm=DRIFT_PPM, tick_slack_s=0.1)
SESSIONS = [SessionId.of(bytes([n]) * 16) for n in range(12)]
WALL = 1_700_000_000.0


@dataclass
class Process:
    """One verifier's process.

    Args:
        name: which.
        rate: how fast its clock runs.
        follower: its memory.
        action: what it does or waits for.
        inbox: what is on its way to it.
    """

    name: str
    rate: float
    follower: Follower
    action: Action = field(default_factory=lambda: Wait(0))
    inbox: list[Heard] = field(default_factory=list)


class Fleet(RuleBasedStateMachine):
    """Verifiers that beat through a network that does what it likes, and a revoker."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.draws, self.starts = 1000.0, 0, 0
        self.log = PlainLog(page=1)
        self.processes = [self.started(n) for n in range(2)]
        self.appended: dict[SessionId, float] = {}
        self.everywhere: set[SessionId] = set()
        self.waiting: list[tuple[SessionId, Everywhere]] = []
        for n in range(len(self.processes)):
            self.works(n)

    def started(self, number: int) -> Process:
        """A process that starts now, with a clock of its own."""
        self.starts += 1
        rate = (1 - DRIFT_PPM / 1e6, 1 + DRIFT_PPM / 1e6)[number % 2]
        return Process(str(number), rate, Follower(f"v{number}-{self.starts}"))

    def tell(self, process: Process, heard: Heard) -> None:
        """Lets a process take a step."""
        self.draws += 1
        boot = self.now * process.rate
        process.action = process.follower.step(heard, Tick(boot, WALL + boot, self.draws.to_bytes(16, "big") + b"\x80"))

    def handle(self, process: Process) -> Heard:
        """Lets the log's side of an action happen now."""
        match process.action:
            case Open():
                return Opened(STALENESS)
            case Register(verifier):
                self.log.rows.setdefault(verifier, ORIGIN)
                self.log.doubted.discard(verifier)
                return Registered()
            case TakeSnapshot():
                return self.log.snapshot_now()
            case SendBeat(beat):
                return self.log.answer(beat)
            case Ack(verifier, applied):
                if verifier not in self.log.rows:
                    return Acked(applied, known=False)
                self.log.rows[verifier] = max(applied, self.log.rows[verifier])
                return Acked(applied, known=True)
            case Wait():
                return Waited()

    who = st.integers(0, 1)

    @rule(seconds=st.sampled_from([0.3, 1.0, 3.0, 3.5]))
    def time_goes_on(self, seconds: float) -> None:
        """Everybody's clock goes on, also that of a process which does not run."""
        self.now += seconds

    @rule(n=who)
    def works(self, n: int) -> None:
        """A process does its action and hears the outcome at once, until it has nothing to do."""
        process = self.processes[n]
        for _ in range(8):
            self.tell(process, self.handle(process))
            if isinstance(process.action, Wait):
                break

    @rule(n=who)
    def sends(self, n: int) -> None:
        """The log's side happens; the answer is on its way, and the process goes on as if it had timed out."""
        process = self.processes[n]
        if isinstance(process.action, Wait):
            self.tell(process, Waited())
        if isinstance(process.action, TakeSnapshot):
            # Whoever asks for another snapshot does not listen for the one before.
            process.inbox = [heard for heard in process.inbox if not isinstance(heard, Snapshot)]
        process.inbox.append(self.handle(process))

    @rule(n=who, which=st.integers(0, 5), keep=st.booleans())
    def delivers(self, n: int, which: int, keep: bool) -> None:
        """Any message on its way arrives, in any order; it may arrive again."""
        process = self.processes[n]
        if process.inbox:
            heard = process.inbox[which % len(process.inbox)]
            if not keep:
                process.inbox.remove(heard)
            self.tell(process, heard)

    @rule(n=who, before=st.sampled_from([0.3, 3.5]), after=st.sampled_from([0.3, 3.5]), everywhere=st.booleans())
    def an_answer_is_slow(self, n: int, before: float, after: float, everywhere: bool) -> None:
        """Something ends while an answer is on its way."""
        self.sends(n)
        self.now += before
        if len(self.appended) < len(SESSIONS):
            self.revokes(everywhere)
        self.now += after
        self.looks()
        process = self.processes[n]
        self.tell(process, process.inbox.pop())

    @rule(n=who)
    def times_out(self, n: int) -> None:
        """A process hears nothing."""
        process = self.processes[n]
        self.tell(process, Waited() if isinstance(process.action, Wait | SendBeat) else Failed())

    @rule(n=who)
    def crashes(self, n: int) -> None:
        """A process dies; another starts under a new id. Its row stays."""
        self.processes[n] = self.started(n)

    @precondition(lambda self: len(self.appended) < len(SESSIONS))
    @rule(everywhere=st.booleans())
    def revokes(self, everywhere: bool) -> None:
        """A session ends."""
        session = SESSIONS[len(self.appended)]
        position = self.log.append(Ending(Kind.SESSION, session), everywhere=everywhere)
        self.appended[session] = self.now
        if everywhere:
            wait = Everywhere.begin(position, self.now, self.log.rows, STALENESS.bound_s)
            self.waiting.append((session, wait))

    @rule()
    def looks(self) -> None:
        """The revoker looks at the registry; when everybody has acked or the bound has passed, the call returns."""
        left = []
        for session, wait in self.waiting:
            heard = wait.heard(self.log.rows, self.now)
            if heard.done(self.now):
                self.everywhere.add(session)
                self.log.doubted.update(heard.missing)
            else:
                left.append((session, heard))
        self.waiting = left

    def accepts(self, process: Process, session: SessionId) -> bool:
        """Whether a request with an old token would pass now."""
        try:
            check(Mark(Position(1, 0), id=session), process.follower, self.now * process.rate)
        except TallystickError:
            return False
        return True

    @invariant()
    def bounded(self) -> None:
        """No verifier accepts what ended longer ago than the bound."""
        for session, at in self.appended.items():
            if self.now > at + STALENESS.bound_s:
                assert not any(self.accepts(process, session) for process in self.processes)

    @invariant()
    def everywhere_is_everywhere(self) -> None:
        """Once the call has returned, no verifier accepts."""
        for session in self.everywhere:
            assert not any(self.accepts(process, session) for process in self.processes)

    def teardown(self) -> None:
        """From any state, a world in which everything works again gives every verifier its lease back, up to date."""
        self.now += 1.1
        for process in self.processes:
            for _ in range(24):
                self.tell(process, self.handle(process))
                if isinstance(process.action, Wait):
                    self.now += process.action.timeout_s
                    if process.follower.deadline > self.now * process.rate:
                        break
            assert process.follower.deadline > self.now * process.rate
            assert not any(self.accepts(process, session) for session in self.appended)


TestFleet = Fleet.TestCase
TestFleet.settings = settings(max_examples=250, stateful_step_count=40, deadline=None)


def test_a_verifier_is_trusted_when_everything_works() -> None:
    """The fleet of this test does accept good requests, so that its invariants are not empty."""
    fleet = Fleet()
    for n in range(2):
        assert fleet.accepts(fleet.processes[n], SESSIONS[0])
