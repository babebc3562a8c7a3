"""Policies: what may be chosen, and what follows from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tallystick.core import policy
from tallystick.core.policy import BANKING, CONSUMER, DEFAULT, Clocks, Policy, Staleness, days, hours, minutes, seconds
from tallystick.errors import Misconfigured


def test_lifetimes_are_whole_seconds() -> None:
    """A day has 86,400 seconds."""
    assert (seconds(7), minutes(2), hours(2), days(2)) == (7, 120, 7200, 172_800)


def test_the_defaults_are_those_that_the_documentation_promises() -> None:
    """A verifier is at most 3.3 s behind; a browser's session is idle after 2 h and over after 24 h."""
    assert DEFAULT.staleness.margin_s == pytest.approx(0.3)
    assert DEFAULT.staleness.bound_s == pytest.approx(3.3)
    assert Clocks(hours(2), hours(24)) == DEFAULT.browser
    assert Clocks(days(30), days(90)) == DEFAULT.browser_kept
    assert Clocks(days(30), days(180)) == DEFAULT.app
    assert Clocks(days(90), days(90)) == DEFAULT.service
    assert (DEFAULT.fresh_lifetime, DEFAULT.access_token_lifetime, DEFAULT.refresh_grace) == (600, 600, 10)
    assert (DEFAULT.previous_cookie_lifetime, DEFAULT.pending_lifetime) == (60, 600)
    assert (
        DEFAULT.sessions_per_opener_and_client,
        DEFAULT.sessions_per_opener,
        DEFAULT.unbound_sessions_per_client,
    ) == (20, 200, 50)
    assert DEFAULT.signing_algorithm == "ES256"


def test_an_entry_stays_relevant_longer_than_any_token_that_it_covers() -> None:
    """Retention covers the longest token, the leeway, the skew of issuers and the lease."""
    staleness = Staleness()
    assert staleness.retention_s == 600 + 10 + 30 + 4
    assert staleness.retention_s >= 600 + 10 + 30 + staleness.bound_s
    short = Staleness(access_token_lifetime_max=60, near_cache_lifetime=60, leeway=0, issuer_skew=0)
    assert short.retention_s == 60 + 4


def test_drift_makes_the_bound_longer() -> None:
    """Clocks that may differ in rate cost twice their drift over the lease."""
    assert Staleness(lease_s=10, beat_s=1, drift_ppm=1000, tick_slack_s=0.1).margin_s == pytest.approx(0.12)
    assert Staleness(drift_ppm=0, tick_slack_s=0).bound_s == 3.0


def test_the_presets_are_good_and_named_for_their_use() -> None:
    """A bank's browser is signed out after a quarter of an hour; a consumer's stays for weeks."""
    assert BANKING.browser.idle_lifetime == minutes(15)
    assert CONSUMER.browser.idle_lifetime == days(30)
    assert all(isinstance(getattr(policy, name), Policy) for name in ("DEFAULT", "BANKING", "CONSUMER"))


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("lease_s", [0.3, 60], [0.29, 60.1]),
        ("beat_s", [0.01, 1.0], [0.009, 1.01]),
        ("drift_ppm", [0, 100_000], [-1, 100_001]),
        ("tick_slack_s", [0, 10], [-0.1, 10.1]),
        ("access_token_lifetime_max", [60, 3600], [59, 3601]),
        ("near_cache_lifetime", [0, 600], [-1, 601]),
        ("leeway", [0, 30], [-1, 31]),
        ("issuer_skew", [0, 300], [-1, 301]),
    ],
)
def test_staleness_is_checked_where_it_is_chosen(field: str, good: list[float], bad: list[float]) -> None:
    """A constant of the log at its limits is taken; one beyond is refused with its name."""
    defaults: dict[str, Any] = {"beat_s": 0.05} if field == "lease_s" else {}
    defaults |= {"near_cache_lifetime": 0} if field == "access_token_lifetime_max" else {}
    for value in good:
        assert getattr(Staleness(**(defaults | {field: value})), field) == value
    for value in bad:
        with pytest.raises(Misconfigured, match=field):
            Staleness(**(defaults | {field: value}))


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("access_token_lifetime", [60, 600], [59, 601]),
        ("refresh_grace", [0, 60], [-1, 61]),
        ("fresh_lifetime", [1, days(90)], [0, days(90) + 1]),
        ("previous_cookie_lifetime", [0, 300], [-1, 301]),
        ("key_set_max_age", [10, days(1)], [9, days(1) + 1]),
        ("signing_key_lifetime", [1200, days(730)], [1199, days(731)]),
        ("sessions_per_opener_and_client", [1, 10_000], [0, 10_001]),
        ("sessions_per_opener", [1, 10_000], [0, 10_001]),
        ("unbound_sessions_per_client", [1, 10_000], [0, 10_001]),
    ],
)
def test_a_policy_is_checked_where_it_is_chosen(field: str, good: list[int], bad: list[int]) -> None:
    """A lifetime or limit at its limits is taken; one beyond is refused with its name."""
    for value in good:
        assert getattr(Policy(**{field: value}), field) == value  # type: ignore[arg-type]
    for value in bad:
        with pytest.raises(Misconfigured, match=field):
            Policy(**{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["browser", "browser_kept", "app", "service"])
def test_no_session_idles_out_while_its_access_token_is_good(kind: str) -> None:
    """Checking an access token moves no idle clock, so a session must be allowed to idle for that long."""
    assert getattr(replace(DEFAULT, **{kind: Clocks(600, 600)}), kind) == Clocks(600, 600)  # type: ignore[arg-type]
    with pytest.raises(Misconfigured, match=kind):
        replace(DEFAULT, **{kind: Clocks(599, 600)})  # type: ignore[arg-type]


@pytest.mark.parametrize(("idle", "absolute"), [(0, 10), (11, 10), (1, 0), (1, days(401))])
def test_clocks_must_make_sense(idle: int, absolute: int) -> None:
    """A session idles out before it is over, and none lives longer than 400 days."""
    with pytest.raises(Misconfigured, match="lifetime"):
        Clocks(idle, absolute)


@pytest.mark.parametrize("name", ["ES256", "RS256", "PS256", "Ed25519", "HS256"])
def test_each_algorithm_of_the_list_may_sign(name: str) -> None:
    """Five algorithms may be chosen for new keys."""
    assert Policy(signing_algorithm=name).signing_algorithm == name


@pytest.mark.parametrize("name", ["none", "", "es256", "EdDSA", "ES384", "HS512"])
def test_no_other_algorithm_signs(name: str) -> None:
    """Anything else, and `none` above all, is refused while building."""
    with pytest.raises(Misconfigured, match="signing_algorithm"):
        Policy(signing_algorithm=name)
