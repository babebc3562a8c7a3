"""Instants in plain words, in UTC and without a locale."""

from __future__ import annotations

from datetime import UTC, datetime

_STEPS = ((86400 * 365, "year"), (86400 * 30, "month"), (86400, "day"), (3600, "hour"), (60, "minute"))


def ago(at: int, now: int) -> str:
    """Gives how long ago an instant was, such as `3 hours ago`; `just now` for less than a minute, and for the future.

    Args:
        at: the instant.
        now: the present one.
    """
    passed = now - at
    return f"{amount(passed)} ago" if passed >= 60 else "just now"


def amount(seconds: float) -> str:
    """Gives a time in its largest unit, such as `2 minutes`; never less than `1 second`."""
    for length, unit in _STEPS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    count = max(1, int(seconds))
    return f"{count} second{'s' if count > 1 else ''}"


def iso(at: int) -> str:
    """Gives an instant as RFC 3339 writes it, for the `datetime` of a `time` element."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(at: int) -> str:
    """Gives a date such as `25 November 2026`."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment.day} {moment:%B %Y}"
