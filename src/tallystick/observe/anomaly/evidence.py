"""What was found, with everything that it takes to judge it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """An anomaly.

    Args:
        series: which rule found it: `failure_rate`, `sign_ins`, `throttled`, `reuse`, `stuffing` or `new_network`.
        about: what it concerns: a network, an account's id, or `all`.
        expected: what would be usual.
        observed: what was seen.
        threshold: from where on it counts as unusual.
        window_s: over how many seconds it was counted.
        sentence: the same, for a person to read.
    """

    series: str
    about: str
    expected: float
    observed: float
    threshold: float
    window_s: int
    sentence: str
