"""The life of a signing key: which step is due, and what each does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from tallystick.core.ids import KeyId
from tallystick.core.keys.key_set import KeySet
from tallystick.core.keys.lifecycle import (
    KeyState,
    Move,
    SigningKey,
    Step,
    advance,
    announce_lead,
    begin_rotation,
    drain_time,
    next_step,
    published,
    revoke_key,
)
from tallystick.core.policy import Policy, Staleness, days
from tests.unit.core.keys.jose import jwk

POLICY = Policy(signing_key_lifetime=days(30), key_set_max_age=300)
LEAD, DRAIN = 600, 640
T0 = 1_790_000_000


def a_key(name: str, now: int, algorithm: str = "ES256") -> SigningKey:
    """Gives a new key, announced now."""
    public = b"" if algorithm == "HS256" else json.dumps(jwk(algorithm, kid=name)).encode()
    return SigningKey(KeyId(name), algorithm, public, b"sealed", KeyState.ANNOUNCED, now, now)


def maker(now: int) -> Callable[[], SigningKey]:
    """Gives what makes keys k1-…, k2-… with the instant in their names."""
    numbers = count(1)
    return lambda: a_key(f"k{next(numbers)}-{now - T0}", now)


def states(keys: tuple[SigningKey, ...]) -> dict[str, str]:
    """Gives each key's state by name."""
    return {str(key.kid): str(key.state) for key in keys}


def begun() -> tuple[SigningKey, ...]:
    """Gives the first key of a deployment, which signs since T0."""
    return advance((), POLICY, T0, maker(T0))


def test_the_numbers_follow_from_the_policy() -> None:
    """A key is announced two lifetimes of a cached set ahead, and drains for the longest token and what clocks differ."""
    assert (announce_lead(POLICY), drain_time(POLICY)) == (LEAD, DRAIN)
    slow = replace(
        POLICY, key_set_max_age=3600, staleness=Staleness(access_token_lifetime_max=3600, leeway=30, issuer_skew=60)
    )
    assert (announce_lead(slow), drain_time(slow)) == (7200, 3690)


def test_the_first_key_signs_at_once() -> None:
    """Where there is no key, one is made and signs."""
    assert next_step((), POLICY) == Step(0, Move.BEGIN, None)
    keys = begun()
    assert states(keys) == {"k1-0": "active"}
    assert keys[0].active_at == T0
    assert advance(keys, POLICY, T0, maker(T0)) == keys


def test_rotation_goes_by_itself_and_breaks_nothing() -> None:
    """A successor is announced ahead, takes over when the old key's time is up, and the old key drains before it goes."""
    keys, life = begun(), days(30)
    assert next_step(keys, POLICY) == Step(T0 + life - LEAD, Move.ANNOUNCE, None)
    assert advance(keys, POLICY, T0 + life - LEAD - 1, maker(0)) == keys
    announced_at = T0 + life - LEAD
    keys = advance(keys, POLICY, announced_at, maker(announced_at))
    successor = f"k1-{life - LEAD}"
    assert states(keys) == {"k1-0": "active", successor: "announced"}
    assert next_step(keys, POLICY) == Step(T0 + life, Move.ACTIVATE, KeyId(successor))
    assert advance(keys, POLICY, T0 + life - 1, maker(0)) == keys
    keys = advance(keys, POLICY, T0 + life, maker(0))
    assert states(keys) == {"k1-0": "retiring", successor: "active"}
    assert (keys[0].retiring_at, keys[1].active_at) == (T0 + life, T0 + life)
    assert next_step(keys, POLICY) == Step(T0 + life + DRAIN, Move.RETIRE, KeyId("k1-0"))
    assert advance(keys, POLICY, T0 + life + DRAIN - 1, maker(0)) == keys
    keys = advance(keys, POLICY, T0 + life + DRAIN, maker(0))
    assert states(keys) == {"k1-0": "retired", successor: "active"}
    assert keys[0].retired_at == T0 + life + DRAIN
    keys = advance(keys, POLICY, T0 + 2 * life + DRAIN, maker(T0 + 2 * life + DRAIN))
    assert "k1-0" not in states(keys)


def test_what_was_missed_is_made_up_without_haste() -> None:
    """After a year without a process the successor is still announced for the whole lead before it signs."""
    late = T0 + days(365)
    keys = advance(begun(), POLICY, late, maker(late))
    assert sorted(states(keys).values()) == ["active", "announced"]
    assert next_step(keys, POLICY) == Step(late + LEAD, Move.ACTIVATE, keys[1].kid)


def test_a_clock_that_goes_back_makes_nothing_due() -> None:
    """An earlier instant never moves a key on."""
    keys = advance(begun(), POLICY, T0 + days(30) - LEAD, maker(1))
    assert advance(keys, POLICY, T0 - days(1), maker(2)) == keys


def test_rotation_by_hand_takes_the_lead_too() -> None:
    """A key announced by hand takes over after the lead; asked again meanwhile, the same one is told."""
    now = T0 + 1000
    keys, announced = begin_rotation(begun(), a_key("by-hand", now), POLICY, now)
    assert announced.kid == "by-hand"
    assert states(keys) == {"k1-0": "active", "by-hand": "announced"}
    assert begin_rotation(keys, a_key("again", now + 1), POLICY, now + 1) == (keys, announced)
    assert advance(keys, POLICY, now + LEAD - 1, maker(0)) == keys
    assert states(advance(keys, POLICY, now + LEAD, maker(0))) == {"k1-0": "retiring", "by-hand": "active"}


def test_a_new_algorithm_brings_a_new_key() -> None:
    """When the policy names another algorithm, a key for it is announced at once and takes over after the lead."""
    other = replace(POLICY, signing_algorithm="Ed25519")
    keys = advance(begun(), other, T0 + 5, lambda: a_key("edwards", T0 + 5, "Ed25519"))
    assert states(keys) == {"k1-0": "active", "edwards": "announced"}
    keys = advance(keys, other, T0 + 5 + LEAD, maker(0))
    assert states(keys) == {"k1-0": "retiring", "edwards": "active"}
    waiting, _ = begin_rotation(begun(), a_key("old", T0), POLICY, T0)
    keys, announced = begin_rotation(waiting, a_key("edwards", T0, "Ed25519"), other, T0)
    assert announced.kid == "edwards"
    assert len(keys) == 3


def test_a_lost_signing_key_is_replaced_at_once() -> None:
    """Revoking the key that signs makes a new one sign at the same instant; no announced one is taken."""
    keys, _ = begin_rotation(begun(), a_key("waiting", T0), POLICY, T0)
    now = T0 + 100
    after = revoke_key(keys, KeyId("k1-0"), a_key("spare", now), now)
    assert states(after) == {"k1-0": "revoked", "waiting": "announced", "spare": "active"}
    assert (after[0].revoked_at, after[2].active_at, after[2].announced_at) == (now, now, now)
    assert revoke_key(after, KeyId("k1-0"), a_key("more", now + 1), now + 1) == after
    assert revoke_key(after, KeyId("unknown"), a_key("more", now + 1), now + 1) == after


@pytest.mark.parametrize("state", [KeyState.ANNOUNCED, KeyState.RETIRING, KeyState.RETIRED])
def test_a_lost_key_that_does_not_sign_needs_no_replacement(state: KeyState) -> None:
    """Revoking a key that is announced, retiring or retired leaves the signing one alone."""
    other = replace(a_key("other", T0), state=state, retiring_at=T0, retired_at=T0)
    after = revoke_key((*begun(), other), KeyId("other"), a_key("spare", T0), T0)
    assert states(after) == {"k1-0": "active", "other": "revoked"}


def test_a_revoked_key_stays_revoked_for_ever() -> None:
    """No step touches a revoked key again: it is neither published nor forgotten."""
    now = T0 + 100
    keys = revoke_key(begun(), KeyId("k1-0"), a_key("spare", now), now)
    for year in range(1, 5):
        keys = advance(keys, POLICY, T0 + year * days(365), maker(T0 + year))
        assert states(keys)["k1-0"] == "revoked"
        assert "k1-0" not in KeySet.parse(published(keys))


def test_without_a_signing_key_the_oldest_announced_one_signs() -> None:
    """Where nothing signs, what verifiers have heard of first takes over at once."""
    announced = (a_key("younger", T0 + 5), a_key("older", T0))
    assert next_step(announced, POLICY) == Step(0, Move.BEGIN, KeyId("older"))
    assert states(advance(announced, POLICY, T0 + 6, maker(0))) == {"younger": "announced", "older": "active"}


def test_keys_are_published_from_announcement_to_retirement() -> None:
    """The published set holds announced, active and retiring public keys, each readable; never a private or symmetric one."""
    keys = tuple(replace(a_key(f"key-{state}", T0), state=state) for state in KeyState)
    keys += (replace(a_key("shared", T0, "HS256"), state=KeyState.ACTIVE),)
    found = KeySet.parse(published(keys))
    assert [key.kid for key in found.keys] == ["key-announced", "key-active", "key-retiring"]
    assert found.skipped == ()
    assert b"sealed" not in published(keys)
    assert KeySet.parse(published(())).keys == ()


def test_the_sealed_half_never_prints() -> None:
    """Printing a key shows neither its private half nor that it has one."""
    assert "sealed" not in repr(a_key("a", T0))
