"""Measures the budgets: `python -m benchmarks`, or the names of some, such as `python -m benchmarks sign_in refresh`.

Prints one table. Exits 1 if a budget is missed, 2 if a name is unknown, 3 if something could not be measured.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
import traceback
from types import FrameType

from benchmarks import setup
from benchmarks.harness import Row
from benchmarks.report import table

NAMES = ("verify", "check", "cookie", "route", "client_credentials", "refresh", "sign_in")
"""The benchmarks, each a module of this folder with `run() -> list[Row]`."""


def main(asked: list[str]) -> int:
    """Runs the benchmarks asked for, all of them if none is; gives the exit status."""
    unknown = [name for name in asked if name not in NAMES]
    if unknown:
        print(f"there is no {', '.join(unknown)}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _leave)
    if setup.python_packages():
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks", *asked])
    print(_circumstances(), file=sys.stderr)
    rows: list[Row] = []
    broken: list[str] = []
    for name in asked or NAMES:
        begun = time.monotonic()
        try:
            rows += importlib.import_module(f"benchmarks.{name}").run()
        except Exception:  # noqa: BLE001 - one that cannot run is told at the end and does not hide the others
            traceback.print_exc()
            broken.append(name)
        print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
    print(table(rows))
    if broken:
        print(f"not measured: {', '.join(broken)}", file=sys.stderr)
        return 3
    return 0 if all(row.holds for row in rows) else 1


def _circumstances() -> str:
    # Ratios of a busy machine are worth less, and a Python that was built without optimisation makes ours look slower.
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    busy = " (busy: others use this machine, so expect noise)" if load > cores / 2 else ""
    return f"Python {sys.version.split()[0]} of {sys.base_prefix}, {cores} cores, load {load:.1f}{busy}"


def _leave(number: int, frame: FrameType | None) -> None:
    # An exception, so that every block that started a process ends it.
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
