"""Writes `docs/reference/limits.md` from the policy and the constants that hold; with `--check` only says whether it differs."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from tallystick.core.policy import BANKING, CONSUMER, DEFAULT, Clocks, Policy
from tallystick.identity import password, throttle
from tallystick.oauth import client, uris
from tallystick.web import edge

ROOT = Path(__file__).resolve().parent.parent
LIMITS_PAGE = ROOT / "docs" / "reference" / "limits.md"
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))

_HEAD = """# Limits and lifetimes

*How long does everything live, how much of it may there be, and what happens at the limit?*

<!-- Written by tools/limits_reference.py from the policy and the constants; a test compares. -->
"""
_LIVES = """
## Sessions

Two clocks end a session: the idle clock, which using it moves, and the absolute one, which nothing moves. A third one says
how long an authentication counts as fresh; changes to an account want a fresh one. NIST SP 800-63B-4 recommends 30 days at
AAL1, and 24 hours with an idle time of one hour at AAL2: the preset `banking` keeps within AAL2.
"""
_COUNTS = """
A session that a client was given through a browser ends with the browser's; it has no clocks of its own. At a limit on the
number of sessions, one more ends the least recently used, in the same commit.
"""
_THROTTLES = """
## Attempts

A failure more than the free ones costs a delay, which doubles up to the cap; after the time in the last column without an
attempt one failure is forgotten. A right proof forgives. Nobody is locked out for good, and whoever has signed in on a
device before has counters of their own there.
"""


def _time(seconds: int) -> str:
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return f"{seconds // size} {unit}"


def _clocks(clocks: Clocks) -> str:
    return f"{_time(clocks.idle_lifetime)} / {_time(clocks.absolute_lifetime)}"


def _lives() -> list[str]:
    presets = (DEFAULT, BANKING, CONSUMER)
    rows = ["| idle / absolute | default | `banking` | `consumer` |", "|---|---|---|---|"]
    for name, what in (
        ("browser", "a browser's session"),
        ("browser_kept", "a browser's, when the person asked to stay signed in"),
        ("app", "an app's that is bound to no browser"),
        ("service", "a service's"),
    ):
        rows.append(f"| {what} | " + " | ".join(_clocks(getattr(one, name)) for one in presets) + " |")
    for name, what in (
        ("fresh_lifetime", "an authentication is fresh for"),
        ("access_token_lifetime", "an access token lives"),
        ("refresh_grace", "the predecessor of a refresh token is answered for"),
        ("pending_lifetime", "a sign-in may wait for its second factor"),
    ):
        rows.append(f"| {what} | " + " | ".join(_time(getattr(one, name)) for one in presets) + " |")
    return rows


def _counts(policy: Policy) -> list[str]:
    return [
        "| at most | |",
        "|---|---|",
        f"| live sessions of one client opened from one browser's session | {policy.sessions_per_opener_and_client} |",
        f"| live sessions opened from one browser's session | {policy.sessions_per_opener} |",
        f"| live sessions of one client and person that are bound to no browser | {policy.unbound_sessions_per_client} |",
    ]


def rules() -> list[tuple[str, throttle.Rule, str]]:
    """Gives the rules of the throttle in the order of their file: name, rule, the sentence below it."""
    tree = ast.parse(Path(throttle.__file__).read_text())
    found = []
    for one, after in zip(tree.body, tree.body[1:], strict=False):
        match one, after:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(text))):
                rule = getattr(throttle, name)
                if isinstance(rule, throttle.Rule):
                    found.append((name, rule, " ".join(text.split())))
    return found


def _throttles() -> list[str]:
    rows = ["| what | free | first delay | cap | one is forgotten after |", "|---|---|---|---|---|"]
    for _, rule, text in rules():
        times = " | ".join(_time(one) for one in (rule.first_s, rule.cap_s, rule.decay_s))
        rows.append(f"| {text.rstrip('.')} | {rule.free} | {times} |")
    return rows


def _sizes() -> list[str]:
    return [
        "## Sizes",
        "",
        "| at most | |",
        "|---|---|",
        f"| the body of a request | {edge.BODY_LIMIT // 1024} KiB, within {edge.BODY_WAIT_S:g} s |",
        f"| a password | {password.LENGTH_MAX} characters, {password.OCTETS_MAX} bytes |",
        f"| a redirect URI | {uris.URI_LENGTH_MAX} characters, {client.URIS_MAX} for each client |",
        f"| audiences and scopes of a client | {client.AUDIENCES_MAX} and {client.SCOPES_MAX} |",
        "",
        f"A new password has at least {password.LENGTH_MIN_SINGLE_FACTOR} characters where it alone signs in.",
    ]


def limits_page() -> str:
    """Gives the text of the page."""
    rows = [_HEAD.rstrip("\n"), _LIVES.rstrip("\n"), "", *_lives(), _COUNTS.rstrip("\n"), "", *_counts(DEFAULT)]
    rows += [_THROTTLES.rstrip("\n"), "", *_throttles(), "", *_sizes()]
    return "\n".join(rows) + "\n"


def main() -> int:
    """Writes the page, or with `--check` exits 1 if it differs from the code."""
    wanted = limits_page()
    there = LIMITS_PAGE.read_text() if LIMITS_PAGE.exists() else ""
    if wanted == there:
        return 0
    if "--check" in sys.argv[1:]:
        print(f"{LIMITS_PAGE.relative_to(ROOT)} differs from the code: run tools/limits_reference.py", file=sys.stderr)
        return 1
    LIMITS_PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
