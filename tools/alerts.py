"""The alert rules, written from the metric declarations: a metric is named by its declaration, so none can be misspelt."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tallystick.observe import catalogue as of
from tallystick.verifier import metrics as of_verifier

HEAD = "# Written by `make docs` from tools/alerts.py and the metric declarations; a test compares. Needs Prometheus 2.40.\n"


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule.

    Args:
        name: of the alert.
        expr: fires while this gives anything.
        lasting: for how long it must, as Prometheus writes durations.
        severity: `critical` wakes somebody, `warning` is looked at in the morning.
        summary: one sentence; may name labels.
        does: what to do first.
    """

    name: str
    expr: str
    lasting: str
    severity: str
    summary: str
    does: str


_FAILED, _RIGHT = of.AUTHENTICATION_FAILURES.name, of.AUTHENTICATIONS.name
_RESPONSES = of.RESPONSES.name

ALERTS = (
    Alert(
        "TallystickAbsent",
        f"absent({of.BUILD.name})",
        "2m",
        "critical",
        "No process of tallystick answers the scrape.",
        "Ask /livez and /readyz on the host, and read the log of the service.",
    ),
    Alert(
        "TallystickVerifierSilent",
        f'max by (verifier) ({of.VERIFIERS.name}{{state="silent"}}) > 0',
        "1m",
        "warning",
        "A verifier named {{ $labels.verifier }} does not answer: it was killed, stopped, or cut off from the log.",
        "See whether the service runs; it refuses everybody until it holds a lease again.",
    ),
    Alert(
        "TallystickWorkerSilent",
        f'max({of.WORKERS.name}{{state="silent"}}) > 0',
        "1m",
        "warning",
        "A process of the server lives but does not answer.",
        "See whether it is stopped or starved of CPU; end it, and it is replaced.",
    ),
    Alert(
        "TallystickWorkersDie",
        f"increase({of.WORKERS_DIED.name}[15m]) > 2",
        "0m",
        "warning",
        "Processes of the server die again and again.",
        "Read the log from before each death; look for the kernel's out-of-memory killer.",
    ),
    Alert(
        "TallystickLeaseLost",
        f"min by (verifier) ({of_verifier.LEASE_HELD.name}) == 0",
        "30s",
        "critical",
        "The verifier {{ $labels.verifier }} holds no lease and refuses every request with 503.",
        "See whether the store answers and whether the host's clock was stepped.",
    ),
    Alert(
        "TallystickLeasesLapse",
        f"sum by (verifier) (increase({of_verifier.LEASE_LAPSES.name}[10m])) > 2",
        "0m",
        "warning",
        "Leases of {{ $labels.verifier }} run out before they are renewed.",
        "Look at the load of the host and at the latency of the store.",
    ),
    Alert(
        "TallystickEverywhereByBound",
        f"increase({of.EVERYWHERE_BOUND.name}[30m]) > 0",
        "0m",
        "warning",
        "An ending had to wait for the lease bound, because a verifier did not acknowledge it.",
        "Find the verifier that is silent.",
    ),
    Alert(
        "TallystickSignInsFail",
        f"sum(rate({_FAILED}[10m])) > 0.2 and sum(rate({_FAILED}[10m])) > sum(rate({_RIGHT}[10m]))",
        "10m",
        "warning",
        "More proofs of identity are wrong than right.",
        "Read authentication.failed in the log: one network points to guessing, many reasons `disabled` to a mistake.",
    ),
    Alert(
        "TallystickRefreshTokensReused",
        f'increase({of.REFRESHES.name}{{outcome="reused"}}[1h]) > 5',
        "0m",
        "warning",
        "Refresh tokens come back that were traded before: a client loses answers, or somebody has a copy.",
        "Read session.ended with because=reuse in the log and compare the clients.",
    ),
    Alert(
        "TallystickAnomaly",
        f"sum by (series) (increase({of.ANOMALIES_FOUND.name}[10m])) > 0",
        "0m",
        "warning",
        "Something unusual was seen in {{ $labels.series }}.",
        "Read anomaly.detected in the log: it carries what was expected, what was seen, and why that is too much.",
    ),
    Alert(
        "TallystickHashingRefuses",
        f"increase({of.HASHES_REFUSED.name}[5m]) > 0",
        "0m",
        "critical",
        "Sign-ins are refused because the queue of the password hashes is full.",
        "See whether somebody floods the sign-in; else give the server more processors.",
    ),
    Alert(
        "TallystickHashingWaits",
        f"histogram_quantile(0.95, sum by (le) (rate({of.HASH_WAIT.name}_bucket[5m]))) > 1",
        "10m",
        "warning",
        "One sign-in in twenty waits more than a second for its password to be looked at.",
        "Give the server more processors, or look for a flood of sign-ins.",
    ),
    Alert(
        "TallystickStoreFails",
        f'sum(increase({of.STORE_ERRORS.name}{{error=~"unavailable|other"}}[5m])) > 3',
        "1m",
        "critical",
        "The store fails: requests are answered with 503.",
        "See whether the disk is full or read-only, and whether another writer holds the lock.",
    ),
    Alert(
        "TallystickStoreSlow",
        f'histogram_quantile(0.99, sum by (le) (rate({of.STORE_SECONDS.name}_bucket{{operation="commit"}}[5m]))) > 0.25',
        "10m",
        "warning",
        "One commit in a hundred takes more than a quarter of a second.",
        "Look at the disk: every commit waits for it.",
    ),
    Alert(
        "TallystickNoActiveKey",
        f'max({of.KEYS.name}{{state="active"}}) < 1',
        "1m",
        "critical",
        "No signing key is active: no token can be made.",
        "Run `tallystick keys list`, and read job.failed in the log.",
    ),
    Alert(
        "TallystickKeyStepOverdue",
        f"min({of.KEY_STEP.name}) < -300",
        "5m",
        "warning",
        "A step of the signing keys is overdue by more than five minutes.",
        "Read job.failed in the log; `tallystick keys rotate` begins a rotation by hand.",
    ),
    Alert(
        "TallystickAuditDropped",
        f"increase({of.AUDIT_DROPPED.name}[15m]) > 0",
        "0m",
        "critical",
        "Entries of the audit trail were dropped.",
        "See whether the store can be written; the log has the events that the trail lacks.",
    ),
    Alert(
        "TallystickEventsLost",
        f"increase({of.EVENTS_LOST.name}[15m]) > 0",
        "0m",
        "warning",
        "A part of the server failed to take events; the log says which.",
        "Read the log of tallystick.observe.",
    ),
    Alert(
        "TallystickServerErrors",
        f'sum(rate({_RESPONSES}{{status="5xx"}}[5m])) > 0.05 * sum(rate({_RESPONSES}[5m]))',
        "5m",
        "critical",
        "More than one answer in twenty is our own trouble.",
        "Read the warnings and errors in the log; each names its request.",
    ),
    Alert(
        "TallystickJobsFail",
        f"sum by (task) (increase({of.JOBS_FAILED.name}[15m])) > 3",
        "0m",
        "warning",
        "The background job {{ $labels.task }} fails again and again.",
        "Read job.failed in the log.",
    ),
)


def rules() -> str:
    """Gives the rule file, in YAML."""
    lines = [HEAD + "groups:", "  - name: tallystick", "    rules:"]
    for alert in ALERTS:
        lines += [
            f"      - alert: {alert.name}",
            f"        expr: {json.dumps(alert.expr)}",
            f"        for: {alert.lasting}",
            f"        labels: {{severity: {alert.severity}}}",
            "        annotations:",
            f"          summary: {json.dumps(alert.summary)}",
            f"          description: {json.dumps(alert.does)}",
        ]
    return "\n".join(lines) + "\n"
