"""Load → decide → commit, again from fresh state when a compare-and-swap was lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tallystick.authority.recording import records_of
from tallystick.authority.timing import asked_now_if_unsaid, waited_s
from tallystick.authority.world import World
from tallystick.core.ids import ClientId, PrincipalId
from tallystick.core.session.decision import Decision, Outcome
from tallystick.errors import Conflict, Unavailable
from tallystick.ports import Committed, Write

ATTEMPTS_MAX = 8
_BACKOFF_S = 0.004
Result = TypeVar("Result")


async def settle(world: World, once: Callable[[], Awaitable[Result]]) -> Result:
    """Runs one round of load, decide and commit until it wins, at most eight times, with jitter in between.

    Raises:
        Unavailable: eight rounds were lost; nothing was consumed.
    """
    asked_now_if_unsaid()
    for attempt in range(ATTEMPTS_MAX):
        try:
            return await once()
        except Conflict:
            jitter = world.entropy.bytes(1)[0] / 255
            await asyncio.sleep(_BACKOFF_S * 2**attempt * jitter)
    raise Unavailable("a compare-and-swap was lost eight times", retry_after_s=1)


async def commit(
    world: World,
    decision: Decision,
    *more: Write,
    now: int,
    everywhere: bool = False,
    principal: PrincipalId | None = None,
    client: ClientId | None = None,
) -> Committed:
    """Commits what was decided, with further writes of the same step and the entries of the audit trail, then tells the
    events. Nothing to write is no commit.

    Args:
        world: ports and policy.
        decision: what was decided.
        more: further writes.
        now: the instant.
        everywhere: ask every verifier to ack the last entry of the log.
        principal: to whom it was done, where the decision does not say.
        client: to which client, where the decision does not say.

    Raises:
        Unavailable: no key can sign what is to be delivered; nothing was written. Or the store is in trouble.
    """
    delivery = decision.to_deliver
    if delivery is not None and delivery.access and world.signer.active is None:
        raise Unavailable("no signing key is active", retry_after_s=5)
    if decision.changes or more:
        records = records_of(decision, more, now, principal=principal, client=client)
        writes = (*more, *decision.changes, *records)
        committed = await world.store.commit(writes, now=now, everywhere=everywhere)
        world.trail.unproved |= bool(records)
        if committed.revocations and world.heard is not None:
            # The process that appends applies the entries to its own index before it answers.
            await world.heard(committed.position)
    else:
        committed = Committed(await world.store.head())
    _measure(world, decision, committed, everywhere=everywhere)
    world.events.tell(decision.events, principal=principal, client=client)
    return committed


def _measure(world: World, decision: Decision, committed: Committed, *, everywhere: bool) -> None:
    if decision.outcome is Outcome.OPENED and decision.to_deliver is not None:
        seconds = waited_s()
        if seconds is not None:
            holder = type(decision.to_deliver.session.holder).__name__
            world.meter.opened(holder.removesuffix("Holder").lower(), seconds)
    if committed.revocations:
        strength = "everywhere" if everywhere else "logged"
        targets = Counter(entry.ending.kind.name.lower() for entry in committed.revocations)
        for target, entries in targets.items():
            world.meter.appended(target, strength, entries)
