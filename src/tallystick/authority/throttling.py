"""Throttling: attempts are counted before the proof is looked at, so that parallel guesses all count."""

from __future__ import annotations

from tallystick.authority.world import World
from tallystick.core.secret import Digest
from tallystick.core.session.decision import Event
from tallystick.errors import Throttled
from tallystick.identity.throttle import LETTER, Rule, allowed_at, begin, network_of, succeeded, taken_back


def _keys(subject: str, network: str) -> tuple[str, str]:
    return f"{subject}@{network_of(network)}", subject


async def begin_attempt(
    world: World, rule: Rule, wide: Rule, subject: str, network: str, *, tells: bool = True
) -> None:
    """Counts an attempt on a subject from a network, and on the subject from anywhere, unless it must wait.

    Args:
        world: for store, clock, entropy.
        rule: for the pair of subject and network.
        wide: for the subject whatever the network.
        subject: what is guessed at, such as `password:` and an account's id.
        network: the client's address.
        tells: tells an event when the attempt must wait; False where another counter may allow it yet.

    Raises:
        Throttled: an attempt is not allowed yet; nothing was counted.
    """
    now = world.clock.now()
    pair, anywhere = _keys(subject, network)
    for key, applied in ((pair, rule), (anywhere, wide)):
        jitter = world.entropy.bytes(1)[0] / 255
        before = await world.store.count(key, lambda held, r=applied, j=jitter: begin(held, now, r, j))  # type: ignore[misc]
        wait_s = allowed_at(before, applied, jitter) - now
        if wait_s > 0:
            if key == anywhere:
                await world.store.count(pair, taken_back)
            if tells:
                _tell(world, subject, network)
            raise Throttled(f"{key} waits {wait_s} s", retry_after_s=wait_s)


async def may_write(world: World, identifier: str) -> bool:
    """Counts a mail that anybody can cause to an address; tells whether it may be sent. Nobody who asks is told."""
    now = world.clock.now()
    key = f"letter:{Digest.of(identifier).hex()[:22]}"
    before = await world.store.count(key, lambda held: begin(held, now, LETTER, 0))
    return allowed_at(before, LETTER, 0) <= now


async def take_back(world: World, subject: str, network: str) -> None:
    """Takes back what was counted for an attempt whose proof was never looked at, by our own fault."""
    for key in _keys(subject, network):
        await world.store.count(key, taken_back)


async def forgive(world: World, subject: str, network: str) -> None:
    """Takes back what an attempt counted that turned out to be right; a stranger's failures elsewhere go on counting."""
    now = world.clock.now()
    pair, anywhere = _keys(subject, network)
    await world.store.count(pair, lambda held: succeeded(held, now))
    await world.store.count(anywhere, taken_back)


async def count_failure(world: World, rule: Rule, subject: str, network: str) -> None:
    """Counts a wrong proof of a kind that cannot be guessed; raises Throttled when there were too many."""
    now = world.clock.now()
    pair, _ = _keys(subject, network)
    jitter = world.entropy.bytes(1)[0] / 255
    before = await world.store.count(pair, lambda held: begin(held, now, rule, jitter))
    wait_s = allowed_at(before, rule, jitter) - now
    if wait_s > 0:
        _tell(world, subject, network)
        raise Throttled(f"{pair} waits {wait_s} s", retry_after_s=wait_s)


def _tell(world: World, subject: str, network: str) -> None:
    # Some subjects are a kind alone, such as all refresh tokens that nobody issued.
    kind, _, rest = subject.partition(":")
    name = rest.partition(":")[0]
    world.events.tell(
        (Event("attempt.throttled", None, (("kind", kind), ("subject", name), ("network", network))),),
    )
