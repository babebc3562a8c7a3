"""Guesses are slowed down, and nobody is locked out for good."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallystick.errors import Misconfigured
from tallystick.identity.throttle import (
    CLIENT_SECRET,
    FAILURES_MAX,
    LETTER,
    LINK,
    PASSWORD,
    PASSWORD_ANYWHERE,
    PASSWORD_DEVICE,
    REFRESH,
    RESET,
    SIGN_UP,
    Attempts,
    Rule,
    allowed_at,
    begin,
    network_of,
    succeeded,
    taken_back,
)

NOW = 1_800_000_000
PRESETS = [PASSWORD, PASSWORD_ANYWHERE, PASSWORD_DEVICE, CLIENT_SECRET, SIGN_UP, RESET, LETTER, LINK, REFRESH]
RULE = Rule(free=2, first_s=10, cap_s=100, decay_s=200, spread=0.5)


def test_the_first_attempt_is_allowed_at_once() -> None:
    """Nobody waits before the first attempt."""
    assert allowed_at(Attempts(), RULE, 0) <= NOW


def test_free_failures_cost_nothing_and_then_the_delay_doubles_up_to_the_cap() -> None:
    """After the free failures one waits 10, 20, 40, 80 and then always 100 seconds."""
    waits = [max(0, allowed_at(Attempts(failures, NOW), RULE, 0) - NOW) for failures in range(9)]
    assert waits == [0, 0, 0, 10, 20, 40, 80, 100, 100]


def test_jitter_shortens_a_delay_within_the_spread() -> None:
    """Half the spread of randomness takes a quarter off, and whole seconds are rounded up."""
    assert allowed_at(Attempts(3, NOW), RULE, 1) == NOW + 5
    assert allowed_at(Attempts(3, NOW), RULE, 0.5) == NOW + 8


def test_an_attempt_is_counted_when_it_begins() -> None:
    """Guesses sent at the same moment are all counted, since each counts before any proof is looked at."""
    held = Attempts()
    for _ in range(3):
        held = begin(held, NOW, RULE, 0)
    assert held == Attempts(3, NOW)
    assert allowed_at(held, RULE, 0) == NOW + 10


def test_an_attempt_that_must_wait_is_not_counted() -> None:
    """Asking again too early neither counts nor moves the moment from which on it is allowed."""
    held = Attempts(4, NOW)
    assert begin(held, NOW + 19, RULE, 0) == held
    assert begin(held, NOW + 20, RULE, 0) == Attempts(5, NOW + 20)


def test_failures_are_forgotten_with_time() -> None:
    """Every 200 quiet seconds take one failure back, down to none."""
    assert begin(Attempts(5, NOW), NOW + 400, RULE, 0) == Attempts(4, NOW + 400)
    assert begin(Attempts(5, NOW), NOW + 200 * 50, RULE, 0) == Attempts(1, NOW + 200 * 50)


def test_no_count_grows_beyond_what_reaches_the_cap() -> None:
    """A million failures are forgotten as quickly as those that reach the cap."""
    assert RULE.full == 7
    assert begin(Attempts(10**6, NOW), NOW + 100, RULE, 0) == Attempts(7, NOW + 100)


def test_a_clock_that_was_ahead_locks_nobody_out() -> None:
    """A count that was written in the far future is brought back to now, and its owner waits no longer than the cap."""
    held = begin(Attempts(9, NOW + 10**8), NOW, RULE, 0)
    assert held == Attempts(9, NOW)
    assert allowed_at(held, RULE, 0) == NOW + 100


def test_a_clock_that_is_a_little_behind_takes_nothing_back() -> None:
    """A count written by a node whose clock is some seconds ahead goes on from there, and keeps nobody waiting."""
    assert allowed_at(Attempts(1, NOW + 5), RULE, 0) <= NOW
    held = begin(Attempts(1, NOW + 5), NOW, RULE, 0)
    assert held == Attempts(2, NOW + 5)


def test_a_right_proof_forgets_the_failures_of_its_network() -> None:
    """Whoever knows the password starts afresh where they are."""
    assert succeeded(Attempts(5, NOW), NOW + 1) == Attempts(0, NOW + 1)
    assert succeeded(Attempts(5, NOW), NOW - 1) == Attempts(0, NOW)


def test_a_right_proof_takes_back_one_failure_of_the_account() -> None:
    """A stranger's failures from other networks go on counting when the owner signs in."""
    assert taken_back(Attempts(5, NOW)) == Attempts(4, NOW)
    assert taken_back(Attempts(0, NOW)) == Attempts(0, NOW)


@pytest.mark.parametrize("rule", PRESETS)
def test_every_preset_reaches_its_cap_within_a_hundred_failures(rule: Rule) -> None:
    """Before the 101st consecutive failure the longest delay is in force (NIST SP 800-63B-4 section 3.2.2)."""
    assert rule.full <= FAILURES_MAX
    assert allowed_at(Attempts(rule.full, NOW), rule, 0) == NOW + rule.cap_s
    assert allowed_at(Attempts(rule.full - 1, NOW), rule, 0) < NOW + rule.cap_s


def test_a_stranger_slows_one_network_down_long_before_the_account() -> None:
    """Guesses from one network are at their longest delay before the account's other networks feel anything."""
    assert PASSWORD.full < PASSWORD_ANYWHERE.free


@pytest.mark.parametrize(
    "change",
    [
        {"free": -1},
        {"first_s": 0},
        {"cap_s": 5},
        {"decay_s": 99},
        {"spread": 0.6},
        {"spread": -0.1},
        {"free": 96},
    ],
)
def test_a_rule_that_cannot_hold_is_refused(change: dict[str, float]) -> None:
    """A throttle that would never slow down, or that waiting undoes, is a mistake of the settings."""
    with pytest.raises(Misconfigured):
        replace(RULE, **change)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        (" 192.0.2.1 ", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("localhost", "unknown"),
        ("", "unknown"),
        ("192.0.2.1:443", "unknown"),
    ],
)
def test_addresses_count_for_their_network(address: str, network: str) -> None:
    """Neighbouring addresses count together, and what is no address counts as one unknown network."""
    assert network_of(address) == network
