"""The metrics of a verifier: declared as data, read from its counts when somebody asks. Standard library only."""

from __future__ import annotations

from collections import Counter

from tallystick.verifier.metric import OTHER, Kind, Label, Labels, Metric, Over, Readings, Value
from tallystick.verifier.state import VerifierState
from tallystick.verifier.tally import CHECK_BOUNDS, REASONS, Tally

CREDENTIAL = Label("credential", ("access_token", "cookie"))
CACHE = Label("cache", ("hit", "miss"))
NAME = Label("verifier")
"""The readable part of a verifier's id."""
ID = Label("verifier", most=200)
"""A verifier's whole id, new with each start of its process."""

VALIDATIONS = Metric(
    "tallystick_validations_total",
    Kind.COUNTER,
    "Credentials that were accepted, by kind and by whether they were remembered from an earlier check.",
    (CREDENTIAL, CACHE),
)
REFUSALS = Metric(
    "tallystick_validation_refusals_total",
    Kind.COUNTER,
    "Credentials that were not accepted, by kind (none: there was nothing that could be read) and by the error's code.",
    (Label("credential", ("access_token", "cookie", "none")), Label("reason", (*REASONS, OTHER))),
)
VALIDATION_SECONDS = Metric(
    "tallystick_validation_seconds",
    Kind.HISTOGRAM,
    "How long accepting a credential took; of those remembered from an earlier check, every 128th is timed.",
    (CREDENTIAL, CACHE),
    CHECK_BOUNDS,
)
COOKIE_READS = Metric("tallystick_cookie_reads_total", Kind.COUNTER, "Reads that looked up cookies, many at a time.")
BEATS = Metric("tallystick_beats_total", Kind.COUNTER, "Beats that verifiers sent to the revocation log.")
LOG_FAILURES = Metric(
    "tallystick_log_failures_total", Kind.COUNTER, "Times that following the revocation log failed and was tried again."
)
LEASE_LAPSES = Metric(
    "tallystick_lease_lapses_total",
    Kind.COUNTER,
    "Times that a verifier's lease ran out before it was renewed, by the verifier's name.",
    (NAME,),
)
LEASE_AGE = Metric(
    "tallystick_lease_age_seconds",
    Kind.GAUGE,
    "Seconds since the beat was sent from which the lease counts; infinite without any lease.",
    (ID,),
    over=Over.EACH,
)
LEASE_HELD = Metric(
    "tallystick_lease_held", Kind.GAUGE, "1 while the verifier may trust its memory, else 0.", (ID,), over=Over.EACH
)
APPLIED = Metric(
    "tallystick_log_applied_position",
    Kind.GAUGE,
    "The position in the revocation log up to which a verifier has applied it.",
    (ID,),
    over=Over.EACH,
)
INDEX_ENTRIES = Metric(
    "tallystick_index_entries", Kind.GAUGE, "How many names the revocation index of a verifier holds.", over=Over.MAX
)
VERIFIER_METRICS = (
    VALIDATIONS,
    REFUSALS,
    VALIDATION_SECONDS,
    COOKIE_READS,
    BEATS,
    LOG_FAILURES,
    LEASE_LAPSES,
    LEASE_AGE,
    LEASE_HELD,
    APPLIED,
    INDEX_ENTRIES,
)


def name_of(verifier: str) -> str:
    """Gives the readable part of a verifier's id: `export` of `export-0123456789abcdef`."""
    name, _, instance = verifier.rpartition("-")
    return name if name and len(instance) == 16 else verifier


def readings_of(tally: Tally, state: VerifierState, lease_lapses: int, name: str) -> Readings:
    """Gives what a verifier has counted and how it stands, at one moment.

    Args:
        tally: its counts.
        state: how it stands.
        lease_lapses: how often its lease ran out.
        name: the readable part of its id.
    """
    counters = state.counters
    readings: dict[Metric, dict[Labels, Value]] = {
        VALIDATIONS: {
            ("access_token", "hit"): tally.token_seen,
            ("access_token", "miss"): tally.token_first,
            ("cookie", "hit"): tally.cookie_seen,
            ("cookie", "miss"): tally.cookie_first,
        },
        REFUSALS: _refusals(tally),
        VALIDATION_SECONDS: {
            ("access_token", "hit"): tally.token_seen_time.read(),
            ("access_token", "miss"): tally.token_first_time.read(),
            ("cookie", "hit"): tally.cookie_seen_time.read(),
            ("cookie", "miss"): tally.cookie_first_time.read(),
        },
        COOKIE_READS: {(): counters["cookie_reads"]},
        BEATS: {(): counters["beats"]},
        LOG_FAILURES: {(): counters["failures"]},
        LEASE_LAPSES: {(name,): lease_lapses},
    }
    if state.verifier:
        readings |= {
            LEASE_AGE: {(state.verifier,): state.lease_age_s},
            LEASE_HELD: {(state.verifier,): int(state.leased)},
            APPLIED: {(state.verifier,): state.applied.seq},
            INDEX_ENTRIES: {(): state.entries},
        }
    return readings


def _refusals(tally: Tally) -> dict[Labels, Value]:
    refused: Counter[Labels] = Counter()
    for (credential, code), times in tuple(tally.refused.items()):
        refused[credential, code if code in REASONS else OTHER] += times
    return dict(refused)
