"""Signing keys: rotation when it is due, by hand, and what a process loads."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.authority.acting import acting_as
from tallystick.authority.recording import ITSELF
from tallystick.authority.settle import commit, settle
from tallystick.authority.world import World
from tallystick.core.keys.lifecycle import SigningKey, advance, begin_rotation
from tallystick.core.session.decision import Decision, Event, Outcome
from tallystick.ports import PutKeys


async def load_keys(world: World) -> Sequence[SigningKey]:
    """Loads the keys that the store has and makes the first one if there is none; does the step that is due.

    Raises:
        Unavailable: the store is in trouble.
        Misconfigured: the root key does not open the keys.
    """

    async def once() -> Sequence[SigningKey]:
        now = world.clock.now()
        keys, version = await world.store.keys()
        changed = advance(keys, world.policy, now, lambda: world.signer.generate(world.policy.signing_algorithm, now))
        if changed != keys:
            decision = Decision(Outcome.ALLOWED, events=(Event("keys.advanced"),))
            with acting_as(actor=ITSELF, because=""):
                await commit(world, decision, PutKeys(changed, version), now=now)
        world.signer.load(changed)
        return changed

    return await settle(world, once)


async def rotate_keys(world: World) -> SigningKey:
    """Begins a rotation by hand: a new key is announced, and signs once every cache of the key set has it.

    Returns:
        The key that was announced.
    """

    async def once() -> SigningKey:
        now = world.clock.now()
        keys, version = await world.store.keys()
        spare = world.signer.generate(world.policy.signing_algorithm, now)
        changed, announced = begin_rotation(keys, spare, world.policy, now)
        if changed != keys:
            decision = Decision(
                Outcome.ALLOWED, events=(Event("keys.rotation_begun", None, (("key", announced.kid),)),)
            )
            await commit(world, decision, PutKeys(changed, version), now=now)
        world.signer.load(changed)
        return announced

    return await settle(world, once)
