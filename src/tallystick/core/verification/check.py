"""The check: clock first, index second. The one rule that every request passes.

Theory of operation. `now` was read before the call. The deadline came from a beat that was sent at t and whose answer
was applied before the deadline moved; so if now < deadline, everything that was committed before t, and with it
everything older than LS, is in the index that is looked at after the deadline. Looked at in the other order, a thread
that is stopped in between would trust an index of before its sleep under a lease of after it. The index itself is read
from the memory after the deadline for the same reason: a follower that begins anew puts another one there.
"""

from __future__ import annotations

from typing import Protocol

from tallystick.core.revocation.index import Covered, RevocationIndex, Verdict
from tallystick.errors import CredentialOutdated, KeyUnknown, LeaseLapsed, Rejected, SessionEnded

_REJECTED: dict[Verdict, type[Rejected]] = {
    Verdict.KEY_REVOKED: KeyUnknown,
    Verdict.ENDED: SessionEnded,
    Verdict.OUTDATED: CredentialOutdated,
}


class Memory(Protocol):
    """What a verifier remembers of the log; a Follower is one."""

    @property
    def deadline(self) -> float:
        """The boot-clock instant from which on the index may not be trusted."""

    @property
    def index(self) -> RevocationIndex:
        """What has ended."""


def check(view: Covered, memory: Memory, now: float) -> None:
    """Lets a credential pass that the log says nothing against.

    Args:
        view: the claims of a verified token, or a cookie's view.
        memory: what the verifier remembers; deadline and index are read here, in this order.
        now: the boot clock, seconds, read for this check and not earlier than the request began.

    Raises:
        LeaseLapsed: the memory may not be trusted.
        KeyUnknown: its key was revoked.
        SessionEnded: its session has ended.
        CredentialOutdated: it is older than a change that concerns it.
    """
    if now >= memory.deadline:
        raise LeaseLapsed("the lease has lapsed: the log has not been heard for longer than it may be")
    verdict = memory.index.covers(view)
    if verdict is not None:
        raise _REJECTED[verdict](verdict.value)
