"""Lease, beats, registry, acks: every interleaving of the real follower with a revoker and a request."""

from __future__ import annotations

import pytest

from tests.model.explorer import explore
from tests.model.lease import LeaseModel

MISTAKES = (
    "lease_from_receive",
    "no_acks",
    "connected_only",
    "ack_on_receive",
    "renew_without_head",
    "timer_flag",
    "lookup_then_lease",
    "registry_snapshot",
    "no_drift_margin",
    "lease_persisted",
    "log_loses_record",
    "beat_before_register",
    "stale_primary",
)


def test_nobody_accepts_after_everywhere_returned_or_the_bound_passed(capsys: pytest.CaptureFixture[str]) -> None:
    """Delays, drift and a slow verifier never let a request through that began too late."""
    explored = explore(LeaseModel(last_tick=5))
    with capsys.disabled():
        print(f"\nlease: {explored}")
    assert explored.broken is None, str(explored)


@pytest.mark.soak
def test_nobody_accepts_in_a_larger_scope() -> None:
    """The same over more ticks and with a verifier that is replaced."""
    explored = explore(LeaseModel(last_tick=7, restarts=1), states_max=20_000_000)
    assert explored.broken is None, str(explored)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_explorer_finds_the_mistake_about_leases(mistake: str) -> None:
    """Each known mistake about leases leads to a story in which a request is accepted too late."""
    explored = explore(LeaseModel(mistake, last_tick=6, restarts=1 if mistake == "lease_persisted" else 0))
    assert explored.broken is not None, f"{mistake} was not found in {explored.states} states"
