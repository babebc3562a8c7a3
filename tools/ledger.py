"""Compares the minutes that each test folder took with its row in `tests/README.md`.

Reads a JUnit file, which counts set-up, call and teardown of every test. A folder that takes more than its row and a
half is an error in CI and a warning elsewhere, where other work may share the machine.
"""

from __future__ import annotations

import os
import re
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree.ElementTree import parse

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 1.5
_ROW = re.compile(r"^\| `(?P<folder>[a-z_]+)/` \|.*\| (?P<minutes>[0-9.]+) \|$", re.MULTILINE)


def rows(ledger: str) -> dict[str, float]:
    """Gives the minutes that the ledger allows each folder of tests."""
    return {match["folder"]: float(match["minutes"]) for match in _ROW.finditer(ledger)}


def minutes(report: Path) -> dict[str, float]:
    """Gives the minutes that the tests of each folder took, summed over the workers."""
    spent: defaultdict[str, float] = defaultdict(float)
    for case in parse(report).iter("testcase"):  # noqa: S314  (our own pytest wrote the file)
        names = case.get("classname", "").split(".")
        folder = names[1] if names[0] == "tests" and len(names) > 2 else "tests"
        spent[folder] += float(case.get("time", "0")) / 60
    return spent


def main() -> int:
    """Says which folder is over its row or has none; exits 1 for that in CI."""
    allowed = rows((ROOT / "tests" / "README.md").read_text())
    complaints = [
        f"tests/{folder}: {spent:.2f} minutes, its row in tests/README.md says {allowed.get(folder, 0):.2f}"
        for folder, spent in sorted(minutes(Path(sys.argv[1])).items())
        if spent > allowed.get(folder, 0) * TOLERANCE
    ]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints and os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main())
