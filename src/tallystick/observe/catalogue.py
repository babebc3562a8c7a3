"""Every metric of an authority, declared as data; the page, the reference, the dashboard and the alerts are made from this."""

from __future__ import annotations

from typing import NamedTuple

from tallystick.verifier import metrics as of_verifier
from tallystick.verifier.metric import OTHER, Kind, Label, Metric, Over

METHODS = ("password", "totp", "recovery_code", "passkey", "client_secret", OTHER)
REASONS = ("wrong", "unknown", "disabled", "expired", "used", OTHER)
HOLDERS = ("browser", "app", "service")
ENDED = ("signed out", "reuse", "revoked", "replaced", "evicted", "opener ended", "expired", OTHER)
TARGETS = (
    "session",
    "principal",
    "client",
    "key",
    "all",
    "outdated_session",
    "outdated_principal",
    "outdated_all",
)
GUARDED = ("password", "factor", "client", "sign-up", "reset", "link", "challenge", "refresh", "resolve", OTHER)
"""What a throttle guards: the first word of its key."""
OPERATIONS = (
    "commit",
    "facts",
    "sessions",
    "lists",
    "keys",
    "count",
    "touch",
    "resolve",
    "registry",
    "log",
    "sweep",
    OTHER,
)
STATES = ("announced", "active", "retiring", "retired", "revoked")
STEPS = ("begin", "announce", "activate", "retire", "forget")
ANOMALIES = ("failure_rate", "sign_ins", "throttled", "reuse", "stuffing", "new_network", OTHER)
_SLOW = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_QUICK = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0)

# ── signing in ───────────────────────────────────────────────────────────────────────────────────────────────────────
AUTHENTICATIONS = Metric(
    "tallystick_authentications_total",
    Kind.COUNTER,
    "Proofs of identity that were right, by method.",
    (Label("method", METHODS),),
)
AUTHENTICATION_FAILURES = Metric(
    "tallystick_authentication_failures_total",
    Kind.COUNTER,
    "Proofs of identity that were wrong, by method and reason.",
    (Label("method", METHODS), Label("reason", REASONS)),
)
THROTTLED = Metric(
    "tallystick_throttled_total",
    Kind.COUNTER,
    "Attempts that were not looked at because there were too many before them, by what is guarded.",
    (Label("kind", GUARDED),),
)
SESSION_SECONDS = Metric(
    "tallystick_session_creation_seconds",
    Kind.HISTOGRAM,
    "From the request to the commit that opened a session, password hashing included, by holder.",
    (Label("holder", HOLDERS),),
    _SLOW,
)
TOKEN_SECONDS = Metric(
    "tallystick_token_creation_seconds",
    Kind.HISTOGRAM,
    "From the request to a token that can be handed out, by credential.",
    (Label("credential", ("access_token", "refresh_token")),),
    _SLOW,
)
# ── sessions and endings ─────────────────────────────────────────────────────────────────────────────────────────────
SESSIONS_OPENED = Metric(
    "tallystick_sessions_opened_total",
    Kind.COUNTER,
    "Sessions that were opened, by holder.",
    (Label("holder", HOLDERS),),
)
SESSIONS_STEPPED_UP = Metric(
    "tallystick_sessions_stepped_up_total", Kind.COUNTER, "Sessions whose person proved again who they are."
)
SESSIONS_ENDED = Metric(
    "tallystick_sessions_ended_total",
    Kind.COUNTER,
    "Endings of single sessions, by reason; what is bound to them ends with them and is not counted here.",
    (Label("because", ENDED),),
)
REVOCATIONS = Metric(
    "tallystick_revocations_total",
    Kind.COUNTER,
    "Entries that these processes appended to the revocation log, by target and strength.",
    (Label("target", TARGETS), Label("strength", ("logged", "everywhere"))),
)
EVERYWHERE_SECONDS = Metric(
    "tallystick_everywhere_seconds",
    Kind.HISTOGRAM,
    "From an ending's append until it was true everywhere.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 3.5, 5.0),
)
EVERYWHERE_BOUND = Metric(
    "tallystick_everywhere_by_bound_total",
    Kind.COUNTER,
    "Endings that were true everywhere only because the lease bound had passed: a verifier did not answer.",
)
REFRESHES = Metric(
    "tallystick_refreshes_total",
    Kind.COUNTER,
    "Refresh tokens that were presented, by what came of it.",
    (Label("outcome", ("rotated", "repeated", "reused", "refused")),),
)
# ── verifiers ────────────────────────────────────────────────────────────────────────────────────────────────────────
VERIFIERS = Metric(
    "tallystick_verifiers",
    Kind.GAUGE,
    "Registered verifiers, by name and by whether they answer when they are asked.",
    (Label("verifier"), Label("state", ("answering", "silent"))),
    over=Over.ASKED,
)
VERIFIER_SILENT = Metric(
    "tallystick_verifier_silent_seconds",
    Kind.GAUGE,
    "For how long a verifier has not answered; 0 while it answers. One that is gone stays for a quarter of an hour.",
    (of_verifier.ID,),
    over=Over.ASKED,
)
VERIFIERS_LOST = Metric(
    "tallystick_verifiers_lost_total", Kind.COUNTER, "Verifiers that fell silent and were removed.", over=Over.ASKED
)
# ── hashing, keys, store ─────────────────────────────────────────────────────────────────────────────────────────────
HASHES_INSIDE = Metric("tallystick_hashing_inside", Kind.GAUGE, "Password hashes that are being made or wait.")
HASHING_SLOTS = Metric("tallystick_hashing_slots", Kind.GAUGE, "Password hashes that can be made at once.")
HASHING_CAPACITY = Metric("tallystick_hashing_capacity", Kind.GAUGE, "Password hashes that can be made or wait.")
HASHES_REFUSED = Metric(
    "tallystick_hashing_refused_total", Kind.COUNTER, "Password hashes that were refused because the queue was full."
)
HASH_WAIT = Metric(
    "tallystick_hashing_wait_seconds", Kind.HISTOGRAM, "How long password hashes waited for a slot.", buckets=_SLOW
)
HASH_SECONDS = Metric(
    "tallystick_hashing_seconds", Kind.HISTOGRAM, "How long a password hash took once it had a slot.", buckets=_SLOW
)
KEYS = Metric(
    "tallystick_keys", Kind.GAUGE, "Signing keys that are known, by state.", (Label("state", STATES),), over=Over.ASKED
)
KEY_AGE = Metric(
    "tallystick_key_age_seconds",
    Kind.GAUGE,
    "How long ago the oldest signing key of a state was made.",
    (Label("state", STATES),),
    over=Over.ASKED,
)
KEY_STEP = Metric(
    "tallystick_key_next_step_seconds",
    Kind.GAUGE,
    "Seconds until the next step of the signing keys is due, by step; negative when it is overdue.",
    (Label("step", STEPS),),
    over=Over.ASKED,
)
STORE_SECONDS = Metric(
    "tallystick_store_seconds",
    Kind.HISTOGRAM,
    "How long operations of the store took, by kind.",
    (Label("operation", OPERATIONS),),
    _QUICK,
)
STORE_ERRORS = Metric(
    "tallystick_store_errors_total",
    Kind.COUNTER,
    "Operations of the store that failed, by kind and error; a conflict is settled and tried again.",
    (Label("operation", OPERATIONS), Label("error", ("unavailable", "conflict", "already_exists", OTHER))),
)
LOG_HEAD = Metric(
    "tallystick_log_head_position", Kind.GAUGE, "The last position of the revocation log.", over=Over.ASKED
)
LOG_EPOCH = Metric("tallystick_log_epoch", Kind.GAUGE, "The incarnation of the revocation log.", over=Over.ASKED)
AUDIT_HEAD = Metric("tallystick_audit_head_position", Kind.GAUGE, "The last entry of the audit trail.", over=Over.ASKED)
AUDIT_DROPPED = Metric(
    "tallystick_audit_dropped_total",
    Kind.COUNTER,
    "Entries of the audit trail that could not be written and were dropped.",
)
# ── the server ───────────────────────────────────────────────────────────────────────────────────────────────────────
RESPONSES = Metric(
    "tallystick_responses_total",
    Kind.COUNTER,
    "Answers to requests, by class of status.",
    (Label("status", ("1xx", "2xx", "3xx", "4xx", "5xx")),),
)
JOBS_FAILED = Metric(
    "tallystick_job_failures_total",
    Kind.COUNTER,
    "Background jobs that failed and are tried again, by job.",
    (Label("task", ("flush", "keys", "sweep", "audit", OTHER)),),
)
ANOMALIES_FOUND = Metric(
    "tallystick_anomalies_total",
    Kind.COUNTER,
    "Anomalies that were detected, by series.",
    (Label("series", ANOMALIES),),
)
EVENTS_LOST = Metric(
    "tallystick_events_lost_total", Kind.COUNTER, "Events that one of their takers could not take, because it failed."
)
WORKERS = Metric(
    "tallystick_workers",
    Kind.GAUGE,
    "Processes of this host that serve, by whether they gave their counts when they were asked.",
    (Label("state", ("answering", "silent")),),
    over=Over.ASKED,
)
WORKERS_DIED = Metric(
    "tallystick_workers_died_total", Kind.COUNTER, "Processes that ended without saying so.", over=Over.ASKED
)
BUILD = Metric(
    "tallystick_build_info",
    Kind.GAUGE,
    "1; its labels say which release of tallystick and of Python answers.",
    (Label("version"), Label("python")),
    over=Over.ASKED,
)


class Section(NamedTuple):
    """Metrics that belong together.

    Args:
        title: of the section, on the page of the reference and the dashboard.
        metrics: in order.
    """

    title: str
    metrics: tuple[Metric, ...]


SECTIONS = (
    Section("Signing in", (AUTHENTICATIONS, AUTHENTICATION_FAILURES, THROTTLED, SESSION_SECONDS, TOKEN_SECONDS)),
    Section("Validation", of_verifier.VERIFIER_METRICS[:4]),
    Section(
        "Sessions and endings",
        (
            SESSIONS_OPENED,
            SESSIONS_STEPPED_UP,
            SESSIONS_ENDED,
            REVOCATIONS,
            EVERYWHERE_SECONDS,
            EVERYWHERE_BOUND,
            REFRESHES,
        ),
    ),
    Section("Verifiers", (VERIFIERS, VERIFIER_SILENT, VERIFIERS_LOST, *of_verifier.VERIFIER_METRICS[4:])),
    Section(
        "Password hashing",
        (HASHES_INSIDE, HASHING_SLOTS, HASHING_CAPACITY, HASHES_REFUSED, HASH_WAIT, HASH_SECONDS),
    ),
    Section("Signing keys", (KEYS, KEY_AGE, KEY_STEP)),
    Section("Store and logs", (STORE_SECONDS, STORE_ERRORS, LOG_HEAD, LOG_EPOCH, AUDIT_HEAD, AUDIT_DROPPED)),
    Section("The server", (RESPONSES, JOBS_FAILED, ANOMALIES_FOUND, EVENTS_LOST, WORKERS, WORKERS_DIED, BUILD)),
)
CATALOGUE = tuple(metric for section in SECTIONS for metric in section.metrics)
"""All of them, in the order of the page."""
COUNTED = tuple(
    metric for metric in CATALOGUE if metric.over is not Over.ASKED and metric not in of_verifier.VERIFIER_METRICS
)
"""What a process counts in its `Counts`; the rest is read where it is at a scrape."""
