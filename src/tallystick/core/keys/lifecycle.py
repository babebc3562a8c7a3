"""The life of a signing key, and when each step of it is due.

    announced ──→ active ──→ retiring ──→ retired
        └────────────┴──────────┴───────────┴────→ revoked (lost; at once)

A key is published from its announcement until it is retired, and signs while it is active. Each step waits until nobody
can be surprised by it: a key signs after two lifetimes of a cached key set (one verifier may have fetched the set just
before the announcement, from a cache in front that had just done the same), and it goes when its last token has
expired under every clock that we allow. An emergency waits for nothing: the new key signs at once, and verifiers learn
of the old one's end from the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple, assert_never

from tallystick.core.ids import KeyId
from tallystick.core.policy import Policy


class KeyState(StrEnum):
    """Where in its life a key is."""

    ANNOUNCED = "announced"
    """Published; does not sign yet."""
    ACTIVE = "active"
    """Published; signs. There is one."""
    RETIRING = "retiring"
    """Published, so that its last tokens verify; signs no more."""
    RETIRED = "retired"
    """Not published; forgotten after another key's lifetime."""
    REVOKED = "revoked"
    """Not published, never forgotten; named in the log."""


_PUBLISHED = (KeyState.ANNOUNCED, KeyState.ACTIVE, KeyState.RETIRING)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A signing key as the store keeps it. All instants are whole seconds of the wall clock.

    Args:
        kid: its name.
        algorithm: the one algorithm that it signs with.
        public: its public JWK in JSON, `use`, `alg` and `kid` included; empty for HS256, which is never published.
        sealed: its private half, sealed under the root key.
        state: where in its life it is.
        created_at: when it was made.
        announced_at: when it was first published.
        active_at: since when it signs, or signed.
        retiring_at: since when it signs no more.
        retired_at: since when it is not published any more.
        revoked_at: when it was revoked.
    """

    kid: KeyId
    algorithm: str
    public: bytes
    sealed: bytes = field(repr=False)
    state: KeyState
    created_at: int
    announced_at: int
    active_at: int | None = None
    retiring_at: int | None = None
    retired_at: int | None = None
    revoked_at: int | None = None


class Move(StrEnum):
    """What happens to the keys next."""

    BEGIN = "begin"
    """No key signs: one does at once, the oldest announced one or a new one."""
    ANNOUNCE = "announce"
    """A new key is published."""
    ACTIVATE = "activate"
    """An announced key takes over; the one that signed retires slowly."""
    RETIRE = "retire"
    """The last token of a key has expired: it is published no more."""
    FORGET = "forget"
    """A retired key is of no use to anybody."""


class Step(NamedTuple):
    """A move that is or will be due.

    Args:
        due_at: the instant from which on it may be done; 0 means at once.
        move: what happens.
        kid: to which key; None for a new one.
    """

    due_at: int
    move: Move
    kid: KeyId | None


def announce_lead(policy: Policy) -> int:
    """Gives how long a key is published before it signs, seconds: two lifetimes of a cached key set."""
    return 2 * policy.key_set_max_age


def drain_time(policy: Policy) -> int:
    """Gives how long a key is published after it signed last, seconds: the longest token's life, and what clocks differ."""
    staleness = policy.staleness
    return staleness.access_token_lifetime_max + staleness.leeway + staleness.issuer_skew


def next_step(keys: Sequence[SigningKey], policy: Policy) -> Step:
    """Gives the step that is due first; compare its `due_at` with the clock. There always is one."""
    active = _first(keys, KeyState.ACTIVE)
    announced = _first(keys, KeyState.ANNOUNCED)
    if active is None:
        return Step(0, Move.BEGIN, announced.kid if announced else None)
    steps = []
    if announced is not None:
        steps.append(Step(announced.announced_at + announce_lead(policy), Move.ACTIVATE, announced.kid))
    elif active.algorithm != policy.signing_algorithm:
        steps.append(Step(0, Move.ANNOUNCE, None))
    else:
        lived_at = (active.active_at or 0) + policy.signing_key_lifetime
        steps.append(Step(lived_at - announce_lead(policy), Move.ANNOUNCE, None))
    for key in keys:
        if key.state is KeyState.RETIRING:
            steps.append(Step((key.retiring_at or 0) + drain_time(policy), Move.RETIRE, key.kid))
        elif key.state is KeyState.RETIRED:
            steps.append(Step((key.retired_at or 0) + policy.signing_key_lifetime, Move.FORGET, key.kid))
    return min(steps, key=lambda step: step.due_at)


def advance(
    keys: Sequence[SigningKey], policy: Policy, now: int, generate: Callable[[], SigningKey]
) -> tuple[SigningKey, ...]:
    """Does every step that is due.

    Args:
        keys: all keys, whatever their state.
        policy: lifetimes, and the algorithm of new keys.
        now: the instant of the steps.
        generate: makes a key pair, announced now; called for each new key, at most twice.

    Returns:
        All keys; equal to those given when nothing was due.
    """
    found = tuple(keys)
    while (step := next_step(found, policy)).due_at <= now:
        found = _done(found, step, now, generate)
    return found


def _done(
    keys: tuple[SigningKey, ...], step: Step, now: int, generate: Callable[[], SigningKey]
) -> tuple[SigningKey, ...]:
    match step.move:
        case Move.ANNOUNCE:
            return (*keys, generate())
        case Move.BEGIN | Move.ACTIVATE:
            if step.kid is None:
                new = generate()
                keys, step = (*keys, new), step._replace(kid=new.kid)
            return tuple(_handed_over(key, step.kid, now) for key in keys)
        case Move.RETIRE:
            return tuple(
                replace(key, state=KeyState.RETIRED, retired_at=now) if key.kid == step.kid else key for key in keys
            )
        case Move.FORGET:
            return tuple(key for key in keys if key.kid != step.kid)
        case _:
            assert_never(step.move)


def _handed_over(key: SigningKey, successor: KeyId | None, now: int) -> SigningKey:
    if key.kid == successor:
        return replace(key, state=KeyState.ACTIVE, active_at=now)
    return replace(key, state=KeyState.RETIRING, retiring_at=now) if key.state is KeyState.ACTIVE else key


def begin_rotation(
    keys: Sequence[SigningKey], spare: SigningKey, policy: Policy, now: int
) -> tuple[tuple[SigningKey, ...], SigningKey]:
    """Begins a rotation by hand: a key is announced now and takes over by itself after the lead.

    Args:
        keys: all keys.
        spare: a new key, announced now; not used where one of the policy's algorithm is announced already.
        policy: names the algorithm.
        now: the instant of the announcement.

    Returns:
        All keys, and the one that will take over.
    """
    waiting = _first(keys, KeyState.ANNOUNCED)
    if waiting is not None and waiting.algorithm == policy.signing_algorithm:
        return tuple(keys), waiting
    announced = replace(spare, state=KeyState.ANNOUNCED, announced_at=now)
    return (*keys, announced), announced


def revoke_key(keys: Sequence[SigningKey], kid: KeyId, spare: SigningKey, now: int) -> tuple[SigningKey, ...]:
    """Revokes a key that was lost; where it signed, a new one signs at once.

    Args:
        keys: all keys.
        kid: the lost one; an unknown name changes nothing.
        spare: a new key; used only where the lost one was active. An announced one is not taken: it lay beside the lost
            one.
        now: the instant.

    Returns:
        All keys.
    """
    lost = next((key for key in keys if key.kid == kid), None)
    if lost is None or lost.state is KeyState.REVOKED:
        return tuple(keys)
    ended = replace(lost, state=KeyState.REVOKED, revoked_at=now)
    rest = tuple(ended if key.kid == kid else key for key in keys)
    if lost.state is not KeyState.ACTIVE:
        return rest
    return (*rest, replace(spare, state=KeyState.ACTIVE, announced_at=now, active_at=now))


def published(keys: Iterable[SigningKey]) -> bytes:
    """Gives the JWKS that is served: every announced, active and retiring key that has a public half (RFC 7517 section 5)."""
    members = [key.public for key in keys if key.state in _PUBLISHED and key.public]
    return b'{"keys":[' + b",".join(members) + b"]}"


def _first(keys: Iterable[SigningKey], state: KeyState) -> SigningKey | None:
    found = [key for key in keys if key.state is state]
    return min(found, key=lambda key: key.announced_at, default=None)
