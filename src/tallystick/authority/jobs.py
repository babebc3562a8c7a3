"""What an authority does by itself: flush last uses, advance keys, sweep, errands, mail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tallystick.authority.acting import acting_as
from tallystick.authority.recording import ITSELF, checkpoint, flush_trail
from tallystick.authority.rotate_keys import load_keys
from tallystick.authority.world import World
from tallystick.core.session.decision import Event
from tallystick.errors import TallystickError

FLUSH_EVERY_S = 30.0
KEYS_EVERY_S = 20.0
SWEEP_EVERY_S = 60.0
MAIL_AGAIN_S = 5.0
TRAIL_EVERY_S = 1.0
CHECKPOINT_EVERY_S = 300.0
CHECKPOINT_FIRST_S = 1.0


async def flush_uses(world: World) -> None:
    """Writes the last uses that were collected since the last flush; on trouble they are kept for the next."""
    uses, world.uses = world.uses, {}
    if not uses:
        return
    try:
        await world.store.touch(uses)
    except TallystickError:
        for session, at in uses.items():
            world.uses[session] = max(at, world.uses.get(session, 0))
        raise


async def sweep(world: World) -> int:
    """Forgets what may be forgotten; gives how many rows went."""
    return await world.store.sweep(world.clock.now(), world.policy.staleness.retention_s)


async def _keys(world: World) -> None:
    await load_keys(world)


async def _sweep(world: World) -> None:
    await sweep(world)


async def finish(world: World) -> None:
    """Does what is left of errands and mail, in bounded time; for the end of a process."""
    await world.errands.close(world)
    if world.mailer is not None:
        await world.mailer.close()


async def _mail(world: World) -> None:
    while world.mailer is not None:
        try:
            await world.mailer.run()
        except Exception:  # noqa: BLE001  (a mailer of somebody else's may do anything; the other jobs go on)
            world.events.tell((Event("job.failed", None, (("job", "mail"), ("code", "internal"))),))
            await asyncio.sleep(MAIL_AGAIN_S)


async def _checkpoint(world: World) -> None:
    await flush_trail(world)
    await checkpoint(world)


async def close_trail(world: World) -> None:
    """Writes what waits for the audit trail, and proves what this process recorded."""
    await flush_trail(world)
    if world.trail.unproved:
        await checkpoint(world)


async def run_jobs(world: World) -> None:
    """Runs the jobs until cancelled; a job that fails is told to the events and tried again at its next time."""
    with acting_as(actor=ITSELF):
        await _run_jobs(world)


async def _run_jobs(world: World) -> None:
    await asyncio.gather(
        _every(world, "trail", TRAIL_EVERY_S, flush_trail),
        _every(world, "checkpoint", CHECKPOINT_EVERY_S, _checkpoint, first_s=CHECKPOINT_FIRST_S),
        _every(world, "flush", FLUSH_EVERY_S, flush_uses),
        _every(world, "keys", KEYS_EVERY_S, _keys),
        _every(world, "sweep", SWEEP_EVERY_S, _sweep),
        world.errands.run(world),
        _mail(world),
    )


async def _every(
    world: World, name: str, interval_s: float, job: Callable[[World], Awaitable[None]], *, first_s: float | None = None
) -> None:
    wait_s = interval_s if first_s is None else first_s
    while True:
        spread = 0.9 + world.entropy.bytes(1)[0] / 255 * 0.2
        await asyncio.sleep(wait_s * spread)
        wait_s = interval_s
        try:
            await job(world)
        except TallystickError as error:
            world.events.tell((Event("job.failed", None, (("job", name), ("code", error.code))),))
