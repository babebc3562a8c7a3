"""How the demo tells its steps and, at the end, draws the table."""

from __future__ import annotations

import sys

from tallystick.cli import output
from tallystick.cli.demo.steps import Step
from tallystick.cli.demo.worth import ABSENT, KINDS, PROCESSES, Worth

WIDTH = 14


def tell(step: Step) -> None:
    """Writes one step on stdout: its title, what was seen, what the credentials are worth, when an ending arrived."""
    print(f"\n{step.number:2}  {step.title}" + (f"  [{step.guarantee}]" if step.guarantee else ""))
    for name, value in step.seen.items():
        text = ", ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else value
        print(f"      {name}: {output.cell(text)}")
    rows = [row for worth in step.worths for row in _rows(worth)]
    if rows:
        print("      " + "".join(head.ljust(WIDTH) for head in ("device", "credential", *PROCESSES)).rstrip())
    for row in rows:
        print("      " + "".join(text.ljust(WIDTH) for text in row).rstrip())
    if step.revoked:
        print(f"      in the log at {step.revoked['position']}, the call waited {step.revoked['waited_ms']} ms")
    if step.arrivals:
        print(f"      refused at {arrived(step)}")
    for problem in step.problems:
        print(f"      NOT AS PROMISED: {problem}")
    sys.stdout.flush()


def arrived(step: Step) -> str:
    """Says when an ending had reached each process, counted from the return of the call that ended it."""
    return " · ".join(
        f"{one.process} after {one.milliseconds:.0f} ms" + (f" ({one.retries} retries)" if one.retries else "")
        for one in step.arrivals
    )


def _rows(worth: Worth) -> list[list[str]]:
    return [
        [worth.holding, kind, *(worth.verdicts[kind, process].worth for process in PROCESSES)]
        for kind in KINDS
        if worth.verdicts[kind, "server"].worth != ABSENT
    ]


def draw(steps: list[Step]) -> None:
    """Draws the table of all steps."""
    rows: list[list[object]] = []
    for step in steps:
        lines: list[list[str]] = [row for worth in step.worths for row in _rows(worth)] or [[""] * 5]
        waited = f"{step.revoked['waited_ms']:.0f} ms" if step.revoked else ""
        retries = str(sum(one.retries for one in step.arrivals)) if step.arrivals else ""
        verdict = "no" if step.problems else "yes"
        rows.append([step.number, step.name, *lines[0], waited, retries, verdict])
        rows += [["", "", *line, "", "", ""] for line in lines[1:]]
    blank = [[" " if value == "" else value for value in row] for row in rows]
    columns = ["#", "step", "device", "credential", *PROCESSES, "call took", "retries", "kept"]
    print()
    output.table(columns, blank)
