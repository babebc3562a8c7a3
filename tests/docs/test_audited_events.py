"""Each event is recorded in the audit trail, or it is said why not."""

from __future__ import annotations

from tallystick.audit.acts import RECORDED, RECORDED_APART, ROUTINE
from tests.docs.test_reference_events import told

BY_THE_TRAIL_ITSELF = {"audit.checkpoint", "audit.swept", "audit.dropped"}
"""Names of entries that are no events."""


def test_every_event_is_recorded_or_routine_for_a_reason() -> None:
    """Nothing that the source tells is left out of the trail by accident."""
    assert set(told()) - set(RECORDED) - set(RECORDED_APART) - set(ROUTINE) == set()
