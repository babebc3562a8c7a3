"""Ending things, and waiting until that is true everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tallystick.authority import revoke
from tallystick.authority.acting import acting_as
from tallystick.authority.issued import Revoked, Strength
from tallystick.authority.revoke import Everything, Target
from tallystick.authority.world import World
from tallystick.core.ids import PrincipalId, SessionId
from tallystick.core.revocation.entry import Position
from tallystick.core.session.decision import Event
from tallystick.ports import Committed


class Endings:
    """A part of `Authority`."""

    world: World

    async def revoke(
        self, target: Target, *, because: str, strength: Strength = "logged", offline: bool = True
    ) -> Revoked:
        """Ends what a target covers.

        Args:
            target: a SessionId, PrincipalId, ClientId, KeyId, or Everything().
            because: why, for the audit trail.
            strength: `logged` returns after the append; `everywhere` when no verifier accepts it any more.
            offline: for a session, also what was opened from it and is not bound to it.

        Raises:
            Unavailable: nothing was ended, or (said in detail) the outcome is unknown.
        """
        with self._asked(target, because):
            return await revoke.revoke(self.world, target, strength=strength, offline=offline)

    async def outdate(
        self, target: SessionId | PrincipalId | Everything, *, because: str, strength: Strength = "logged"
    ) -> Revoked:
        """Makes every credential that a target covers look again; nothing ends."""
        with self._asked(target, because):
            return await revoke.outdate(self.world, target, strength)

    async def await_everywhere(self, position: Position) -> Revoked:
        """Waits until a position that was appended before is true everywhere; may be called by anyone, again."""
        await self.world.store.want_acks(position)
        return await revoke.await_everywhere(self.world, position, self.world.clock.boot())

    @contextmanager
    def _asked(self, target: Target, because: str) -> Iterator[None]:
        kind, name = type(target).__name__, "" if isinstance(target, Everything) else str(target)
        self.world.events.tell((Event("ending.asked", None, (("kind", kind), ("name", name), ("because", because))),))
        with acting_as(because=because):
            yield

    async def _reported(self, committed: Committed, strength: Strength) -> Revoked:
        return await revoke.report(self.world, committed, strength)
