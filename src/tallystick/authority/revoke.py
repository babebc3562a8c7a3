"""End things: one verb, the target says what."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from tallystick.authority.issued import Revoked, Strength
from tallystick.authority.settle import commit, settle
from tallystick.authority.world import World
from tallystick.core.ids import ClientId, KeyId, PrincipalId, SessionId
from tallystick.core.keys.lifecycle import revoke_key as without_key
from tallystick.core.revocation.entry import EVERYTHING, Ending, Kind, Position
from tallystick.core.session import decide
from tallystick.core.session.decision import Decision, Event
from tallystick.core.verification.everywhere import Everywhere
from tallystick.errors import NotFound
from tallystick.ports import Committed, PutKeys

_POLL_S = 0.002
_NAMED_MAX = 20
"""How many verifiers an event names; it counts all."""


@dataclass(frozen=True, slots=True)
class Everything:
    """The target that covers all sessions."""


EVERYTHING_TARGET = Everything()
Target = SessionId | PrincipalId | ClientId | KeyId | Everything


async def revoke(world: World, target: Target, *, strength: Strength, offline: bool) -> Revoked:
    """Ends what a target covers, in one commit.

    Args:
        world: ports and policy.
        target: a session, a principal, a client, a key, or everything.
        strength: `logged` returns after the append; `everywhere` when every verifier has it, or after the bound.
        offline: for a session, also what was opened from it and is not bound to it.

    Raises:
        NotFound: there is no such key.
        Unavailable: nothing was appended, or (said in detail) the outcome is unknown.
    """
    if isinstance(target, KeyId):
        return await _revoke_key(world, target, strength)
    whose, which = await _holder_of(world, target) if isinstance(target, SessionId) else (None, None)
    return await append(world, _decided(target, offline), strength, principal=whose, client=which)


async def _holder_of(world: World, target: SessionId) -> tuple[PrincipalId | None, ClientId | None]:
    # For the audit trail only: the ending itself needs no look at the row.
    session = (await world.store.facts_of_session(target)).session
    return (session.principal, session.client) if session is not None else (None, None)


def _decided(target: SessionId | PrincipalId | ClientId | Everything, offline: bool) -> Decision:
    if isinstance(target, SessionId):
        return decide.revoke(target, "revoked", offline=offline)
    if isinstance(target, PrincipalId):
        return decide.cut(Ending(Kind.PRINCIPAL, target))
    if isinstance(target, ClientId):
        return decide.cut(Ending(Kind.CLIENT, target))
    return decide.cut(EVERYTHING)


async def outdate(world: World, target: SessionId | PrincipalId | Everything, strength: Strength) -> Revoked:
    """Makes every credential that a target covers look again: permissions changed, nothing ended."""
    if isinstance(target, SessionId):
        ending = Ending(Kind.OUTDATED_SESSION, target)
    elif isinstance(target, PrincipalId):
        ending = Ending(Kind.OUTDATED_PRINCIPAL, target)
    else:
        ending = Ending(Kind.OUTDATED_ALL, "")
    return await append(world, decide.cut(ending), strength)


async def append(
    world: World,
    decision: Decision,
    strength: Strength,
    *,
    principal: PrincipalId | None = None,
    client: ClientId | None = None,
) -> Revoked:
    """Commits an ending and reports it with the strength asked for.

    Args:
        world: ports and policy.
        decision: the ending.
        strength: `logged` or `everywhere`.
        principal: whose session ends, for the audit trail.
        client: which client's it is.
    """
    committed = await commit(
        world,
        decision,
        now=world.clock.now(),
        everywhere=strength == "everywhere",
        principal=principal,
        client=client,
    )
    return await report(world, committed, strength)


async def _revoke_key(world: World, key: KeyId, strength: Strength) -> Revoked:
    async def once() -> Committed:
        now = world.clock.now()
        keys, version = await world.store.keys()
        if all(one.kid != key for one in keys):
            # A slip of the pen must not look like a key that is safely gone.
            raise NotFound(f"no key {key}", public="There is no such key.")
        spare = world.signer.generate(world.policy.signing_algorithm, now)
        changed = without_key(keys, key, spare, now)
        decision = decide.cut(Ending(Kind.KEY, key))
        committed = await commit(
            world, decision, PutKeys(changed, version), now=now, everywhere=strength == "everywhere"
        )
        world.signer.load(changed)
        return committed

    return await report(world, await settle(world, once), strength)


async def report(world: World, committed: Committed, strength: Strength) -> Revoked:
    """Reports an ending that was committed; for `everywhere`, after it has waited until it is true everywhere."""
    appended_at = world.clock.boot()
    bound_s = world.policy.staleness.bound_s
    logged = Revoked(committed.position, appended_at + bound_s, "logged", {}, (), 0.0, "durable")
    if strength == "logged":
        return logged
    return await await_everywhere(world, committed.position, appended_at)


async def await_everywhere(world: World, position: Position, appended_at: float) -> Revoked:
    """Waits until every verifier that was registered after the append has acked it, or the bound has passed.

    Args:
        world: for store and clock.
        position: what was appended.
        appended_at: a boot-clock instant not before the append was durable.
    """
    # Append, commit, then read the registry: with "register, commit, then first beat" one always sees the other.
    registry = await world.store.registry()
    waiting = Everywhere.begin(position, appended_at, registry, world.policy.staleness.bound_s)
    while not waiting.done(world.clock.boot()):
        await asyncio.sleep(_POLL_S)
        waiting = waiting.heard(await world.store.registry(), world.clock.boot())
    if waiting.missing:
        await world.store.doubt(waiting.missing)
    ended = Revoked(
        position=position,
        effective_at=world.clock.boot(),
        strength="everywhere",
        acked=waiting.acked,
        missing=waiting.missing,
        waited_s=world.clock.boot() - appended_at,
        guarantee="durable",
    )
    _tell_everywhere(world, ended)
    return replace(ended, effective_at=min(ended.effective_at, appended_at + world.policy.staleness.bound_s))


def _tell_everywhere(world: World, ended: Revoked) -> None:
    waited, acked, missing = f"{ended.waited_s:.6f}", str(len(ended.acked)), str(len(ended.missing))
    first = sorted(ended.acked.items(), key=lambda one: one[1])[:_NAMED_MAX]
    by = ", ".join(f"{verifier} {seconds * 1000:.1f} ms" for verifier, seconds in first)
    world.events.tell(
        (
            Event(
                "ending.everywhere",
                None,
                (
                    ("position", ended.position.text()),
                    ("waited_s", waited),
                    ("acked", acked),
                    ("missing", missing),
                    ("acked_by", by),
                    ("missing_ones", ", ".join(ended.missing[:_NAMED_MAX])),
                ),
            ),
        )
    )
