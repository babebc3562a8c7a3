"""Writes `docs/reference/doctor.md` from the table of mistakes; with `--check` only says whether the page differs."""

from __future__ import annotations

import sys
from pathlib import Path

from tallystick.server.doctor.mistakes import MISTAKES
from tallystick.server.unsafe import CHECKS

ROOT = Path(__file__).resolve().parent.parent
DOCTOR_PAGE = ROOT / "docs" / "reference" / "doctor.md"

_HEAD = """# Mistakes of a set-up

*What did `tallystick doctor` find, why does it hurt, and what helps?*

<!-- Written by `make docs` from src/tallystick/server/doctor/mistakes.py; a test compares. -->

[Find mistakes of the set-up](../how-to/find-set-up-mistakes.md) says how to ask. The ids do not change.
"""

_UNSAFE = """## What the server refuses to start with

`tallystick serve` ends with exit code 2 on each of these, and says what is wrong and what helps; the doctor says the same
before. They are errors.

"""


def doctor_page() -> str:
    """Gives the text of the page: one heading for each mistake."""
    pieces = [_HEAD]
    for name, one in MISTAKES.items():
        pieces.append(f"## doctor.{name}\n\n{one.why}\n\n* severity: {one.severity}\n* fix: {one.fix}\n")
    pieces.append(_UNSAFE + "".join(f"* `doctor.{name}`\n" for name in CHECKS))
    return "\n".join(pieces)


def main() -> int:
    """Writes the page, or with `--check` exits 1 if it differs from the code."""
    wanted = doctor_page()
    there = DOCTOR_PAGE.read_text() if DOCTOR_PAGE.exists() else ""
    if wanted == there:
        return 0
    if "--check" in sys.argv[1:]:
        print(f"{DOCTOR_PAGE.relative_to(ROOT)} differs from the code: type 'make docs'", file=sys.stderr)
        return 1
    DOCTOR_PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
