"""A follower and a log on a virtual clock: each action is done at once, or withheld by the test."""

from __future__ import annotations

from dataclasses import dataclass, field

from tallystick.core.policy import Staleness
from tallystick.core.verification.check import check
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

EPOCH = 1_700_000_000.0
"""The wall clock when the virtual boot clock is 0."""


@dataclass(slots=True)
class Virtual:
    """One verifier on a virtual clock.

    Args:
        log: the log.
        now: the boot clock.
        skew: what the wall clock is off.
    """

    log: PlainLog = field(default_factory=PlainLog)
    staleness: Staleness = field(default_factory=Staleness)
    now: float = 100.0
    skew: float = 0.0
    noise: int = 0
    follower: Follower = field(default_factory=lambda: Follower("v"))
    done: list[str] = field(default_factory=list)
    action: Action = field(default_factory=lambda: Wait(0))

    def tick(self) -> Tick:
        """The world now; nonces are counted."""
        self.noise += 1
        return Tick(self.now, EPOCH + self.now + self.skew, self.noise.to_bytes(16, "big") + b"\x80")

    def tell(self, heard: Heard) -> Action:
        """Takes one step; gives the next action."""
        self.action = self.follower.step(heard, self.tick())
        return self.action

    def perform(self) -> Heard:
        """Does what the last step asked for; a wait takes its whole time."""
        self.done.append(type(self.action).__name__)
        match self.action:
            case Open():
                return Opened(self.staleness)
            case Register(verifier):
                self.log.rows[verifier] = min(self.log.head, (0, 0))  # type: ignore[assignment]
                self.log.doubted.discard(verifier)
                return Registered()
            case TakeSnapshot():
                return self.log.snapshot_now()
            case SendBeat(beat):
                return self.log.answer(beat)
            case Ack(verifier, applied):
                if verifier not in self.log.rows:
                    return Acked(applied, known=False)
                self.log.rows[verifier] = applied
                return Acked(applied, known=True)
            case Wait(timeout_s):
                self.now += timeout_s
                return Waited()

    def until_wait(self, heard: Heard | None = None) -> Virtual:
        """Goes on until there is nothing to do but to wait."""
        self.tell(heard or Waited())
        for _ in range(20):
            if isinstance(self.action, Wait):
                return self
            self.tell(self.perform())
        raise AssertionError(f"it never rests: {self.done}")

    def until_beat(self) -> SendBeat:
        """Goes on until a beat is to be sent, and gives it without doing it."""
        self.tell(Waited())
        for _ in range(20):
            if isinstance(self.action, SendBeat):
                return self.action
            self.tell(self.perform())
        raise AssertionError(f"no beat: {self.done}")

    def run(self, seconds: float) -> None:
        """Lets time go on while everything works."""
        until = self.now + seconds
        while self.now < until:
            self.until_wait(self.perform() if isinstance(self.action, Wait) else None)

    def fail(self) -> Wait:
        """Lets the next action fail; gives the wait that follows."""
        action = self.tell(Failed())
        assert isinstance(action, Wait)
        return action

    @property
    def leased(self) -> bool:
        """Whether it holds a lease."""
        return self.now < self.follower.deadline

    def verdict(self, mark: Mark) -> str:
        """What a check says now: `good`, or the code of the error."""
        try:
            check(mark, self.follower, self.now)
        except TallystickError as error:
            return error.code
        return "good"
