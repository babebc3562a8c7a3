"""What a follower asks its driver to do, and what the driver tells it: plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import Position
from tallystick.core.revocation.feed import Answer, Beat, Snapshot


class Tick(NamedTuple):
    """The world at one moment, read by the driver right before each step.

    Args:
        boot: the clock that counts since boot, suspend included, seconds.
        wall: the wall clock, seconds since 1970.
        noise: 17 random bytes of the kernel: 16 for a nonce, one for jitter.
    """

    boot: float
    wall: float
    noise: bytes


@dataclass(frozen=True, slots=True)
class Open:
    """Open the log anew (close it first if it is open); tell Opened."""


@dataclass(frozen=True, slots=True)
class Register:
    """Write and commit the verifier's row; tell Registered.

    Args:
        verifier: its id.
    """

    verifier: str


@dataclass(frozen=True, slots=True)
class TakeSnapshot:
    """Read a fold of the log; tell the Snapshot."""


@dataclass(frozen=True, slots=True)
class SendBeat:
    """Send a beat; tell the Answer.

    Args:
        beat: what to send. The lease counts from the tick of the step that gave this action.
    """

    beat: Beat


@dataclass(frozen=True, slots=True)
class Ack:
    """Record that the verifier has applied everything up to a position; tell Acked.

    Args:
        verifier: its id.
        applied: the position.
    """

    verifier: str
    applied: Position


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until something was committed, somebody calls, or time is over; tell Waited.

    Args:
        timeout_s: how long at most, seconds.
    """

    timeout_s: float


Action = Open | Register | TakeSnapshot | SendBeat | Ack | Wait


@dataclass(frozen=True, slots=True)
class Opened:
    """The log is open.

    Args:
        staleness: the constants of its header.
    """

    staleness: Staleness


@dataclass(frozen=True, slots=True)
class Registered:
    """The verifier's row is committed."""


@dataclass(frozen=True, slots=True)
class Acked:
    """An ack was tried.

    Args:
        applied: the position that was acked.
        known: False if the verifier's row was gone, so that nothing was recorded.
    """

    applied: Position
    known: bool


@dataclass(frozen=True, slots=True)
class Waited:
    """A wait is over, for whatever reason."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The action could not be done, or its outcome is unknown."""


Heard = Opened | Registered | Snapshot | Answer | Acked | Waited | Failed
