"""Recording acts in the audit trail.

Theory of operation. An act that changes something carries its entries into its own commit (`records_of`): either both are
there or neither is, whatever crashes in between. An act without a commit is an event that somebody is told of; what is
told passes through `Recorder`, which keeps it for the next second, so that a storm of guesses costs one write a second
and bounded memory. An act that is told after its commit is not recorded again: each event is in one table of `audit.acts`.

A checkpoint signs what this process has read and found whole since the last one, never a chain that it has not checked.
"""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.audit import GENESIS, AuditEntry
from tallystick.audit.acts import RECORDED, RECORDED_APART, entry_of
from tallystick.audit.check import Broken, verify_entries
from tallystick.audit.lines import CHECKPOINT, CHECKPOINT_PURPOSE, checkpoint_facts, checkpoint_message, proof_in
from tallystick.authority.acting import acting
from tallystick.authority.world import World
from tallystick.core.ids import ClientId, PrincipalId
from tallystick.core.session.decision import Decision, EndSession, Event, OpenSession, UpdateSession
from tallystick.errors import Unavailable
from tallystick.ports import Events, PutAccount, Record, Write

ITSELF = "tallystick"
"""The actor of what an authority does by itself."""
_PAGE = 1000


def records_of(
    decision: Decision,
    more: Sequence[Write],
    now: int,
    *,
    principal: PrincipalId | None = None,
    client: ClientId | None = None,
) -> tuple[Record, ...]:
    """Gives what the trail gets in the commit of a decision; routine acts give nothing.

    Args:
        decision: with its events.
        more: what is written beside it.
        now: the instant.
        principal: to whom; of the session or the account that is opened or changed, if it is not given.
        client: by or to which client; that session's, if it is not given.
    """
    events = [event for event in decision.events if event.name in RECORDED]
    named = {event.session for event in events if event.name == "session.ended"}
    # What a new session replaces or drives out ends without an event of its own.
    events += [
        Event("session.ended", change.session, (("because", change.because),))
        for change in decision.changes
        if isinstance(change, EndSession) and change.logged and change.session not in named
    ]
    if not events:
        return ()
    whose, which = _subject((*decision.changes, *more))
    return tuple(Record(_entry(event, now, principal or whose, client or which)) for event in events)


def _subject(writes: Sequence[Write]) -> tuple[PrincipalId | None, ClientId | None]:
    for write in writes:
        if isinstance(write, OpenSession | UpdateSession):
            return write.session.principal, write.session.client
        if isinstance(write, PutAccount):
            return write.account.id, None
    return None, None


def _entry(event: Event, now: int, principal: PrincipalId | None, client: ClientId | None) -> AuditEntry:
    who = acting()
    return entry_of(
        event.name,
        event.facts,
        at=now,
        actor=who.actor,
        principal=str(principal or ""),
        session=str(event.session or ""),
        client=str(client or ""),
        network=who.network,
        request=who.request,
        because=who.because,
    )


class Recorder:
    """Events that keep for the trail what has no commit of its own, and hand everything on.

    Args:
        world: holds the trail and the clock.
        told: where events go.
    """

    def __init__(self, world: World, told: Events) -> None:
        self._world = world
        self._told = told

    def tell(
        self, events: Sequence[Event], *, principal: PrincipalId | None = None, client: ClientId | None = None
    ) -> None:
        """Takes events; never raises, never blocks."""
        for event in events:
            if event.name in RECORDED_APART:
                self._world.trail.add(_entry(event, self._world.clock.now(), principal, client))
        self._told.tell(events, principal=principal, client=client)


class Relay:
    """Events that go where they are told later, for what is built before the authority.

    Args:
        to: where they go until then.
    """

    def __init__(self, to: Events) -> None:
        self.to = to

    def tell(
        self, events: Sequence[Event], *, principal: PrincipalId | None = None, client: ClientId | None = None
    ) -> None:
        """Hands events on."""
        self.to.tell(events, principal=principal, client=client)


async def flush_trail(world: World) -> None:
    """Writes the acts that waited; on trouble they wait on, as far as there is room."""
    now = world.clock.now()
    dropped = world.trail.dropped
    if dropped:
        world.meter.dropped(dropped)
    entries = world.trail.take(now)
    if not entries:
        return
    try:
        await world.store.commit([Record(entry) for entry in entries], now=now)
    except Unavailable:
        for entry in entries:
            world.trail.add(entry)
        raise
    world.trail.unproved = True


async def checkpoint(world: World) -> bool:
    """Proves with the root key what was recorded since this process did so last; tells whether the trail is whole.

    Raises:
        Unavailable: the store is in trouble.
    """
    trail = world.trail
    if trail.proved is not None and not trail.unproved:
        return True
    trail.unproved = False
    head = await world.store.audit_head()
    place = trail.proved or await _last_proof(world)
    while place[0] < head[0]:
        page = [entry for entry in await world.store.audit_page(place[0], _PAGE) if entry.seq <= head[0]]
        end = (page[-1].seq, page[-1].chain) if page else head
        found = verify_entries(page, end, world.sealer.is_mac, place)
        if isinstance(found, Broken):
            trail.unproved = True
            at = place[0] + found.line
            world.events.tell((Event("audit.broken", None, (("place", str(at)), ("why", found.why))),))
            return False
        place = end
    trail.proved = place
    if head[0] and not await _is_proof(world, head[0]):
        await _write_proof(world, *head)
    return True


async def _last_proof(world: World) -> tuple[int, bytes]:
    before: int | None = None
    while page := await world.store.audit_recent(_PAGE, before=before):
        for entry in page:
            proof = proof_in(entry)
            if proof is not None:
                seq, chain, mac = proof
                if world.sealer.is_mac(CHECKPOINT_PURPOSE, checkpoint_message(seq, chain), mac):
                    return seq, chain
        before = page[-1].seq
    return 0, GENESIS


async def _is_proof(world: World, seq: int) -> bool:
    page = await world.store.audit_page(seq - 1, 1)
    return bool(page) and page[0].name == CHECKPOINT


async def _write_proof(world: World, seq: int, chain: bytes) -> None:
    now = world.clock.now()
    mac = world.sealer.mac(CHECKPOINT_PURPOSE, checkpoint_message(seq, chain))
    entry = AuditEntry(now, CHECKPOINT, actor=ITSELF, facts=checkpoint_facts(seq, chain, mac))
    await world.store.commit((Record(entry),), now=now)
