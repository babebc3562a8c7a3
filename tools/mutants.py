"""Breaks each guarantee on purpose, in a copy, and demands that its test fails there while it passes on the clean tree.

The rows are in `tests/mutants.toml`: a guarantee, the mistake in words, a file, an old text that occurs in it exactly once,
the new text, and the tests that must notice. Arguments choose rows: names of guarantees, or words of mistakes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parent.parent
ROWS = ROOT / "tests" / "mutants.toml"
COPIED = (
    "src", "tests", "tools", "spec", "docs", "deploy", "examples", "changes", "pyproject.toml", "zensical.toml", "Makefile",
    "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE",
)  # fmt: skip
WORKERS = 2
TIMEOUT_S = 240
CLEAN_S = 1800
"""How long the tests of all chosen rows may take together on the clean tree."""
GUARANTEES = (
    "OneRoot",
    "Everywhere",
    "Bounded",
    "FailClosed",
    "NothingResurrects",
    "MintedBefore",
    "OneWinner",
    "PersistThenHandOut",
    "NoSecretAtRest",
    "TransientIsNotTerminal",
    "KeysRotateQuietly",
)
RULES = ("Edge", "Pages")
"""Rules that are no guarantee of the design; a row of one names its tests."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One row.

    Args:
        guarantee: which of the eleven it breaks.
        mistake: what is done wrong, in words.
        file: where, relative to the root.
        old: a text that occurs there exactly once.
        new: what stands there instead.
        tests: the tests that must fail then: paths or node ids.
    """

    guarantee: str
    mistake: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a row.

    Args:
        mutant: the row.
        killed: the tests failed, as they must.
        said: `killed`, or why not.
        took_s: seconds.
    """

    mutant: Mutant
    killed: bool
    said: str
    took_s: float


def file_of_tests(guarantee: str) -> str:
    """Gives the path of the tests of a guarantee."""
    words = re.sub(r"(?<!^)(?=[A-Z])", "_", guarantee).lower()
    return f"tests/guarantees/test_{words}.py"


def rows(path: Path = ROWS) -> list[Mutant]:
    """Reads the rows; raises KeyError or TypeError where one lacks a field or has one too many."""
    found = []
    for row in tomllib.loads(path.read_text())["mutant"]:
        tests = tuple(row.pop("tests", ()))
        found.append(Mutant(**row, tests=tests or (file_of_tests(row["guarantee"]),)))
    return found


def problem_of(mutant: Mutant, root: Path = ROOT) -> str | None:
    """Says what is wrong with a row itself, or None."""
    path = root / mutant.file
    if mutant.guarantee not in GUARANTEES + RULES:
        return f"there is no guarantee {mutant.guarantee}"
    if not path.is_file():
        return f"there is no file {mutant.file}"
    times = path.read_text().count(mutant.old)
    if times != 1:
        return f"the old text occurs {times} times in {mutant.file}"
    missing = [one for one in mutant.tests if not (root / one.split("::")[0]).exists()]
    return f"there are no tests {missing}" if missing else None


def copy_tree(into: Path) -> None:
    """Copies what tests need, without caches."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, into / name, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis"))
        elif source.exists():
            shutil.copy(source, into / name)


def environment(copy: Path) -> dict[str, str]:
    """Gives the environment in which the copy's code comes before the installed one."""
    return {
        **os.environ,
        "PYTHONPATH": f"{copy / 'src'}{os.pathsep}{copy}",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(copy / ".h"),
    }


def imports_the_copy(copy: Path) -> bool:
    """Tells whether Python, started in the copy, imports the copy's code."""
    code = "import tallystick, tests.support.sessions as s; print(tallystick.__file__); print(s.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=copy, env=environment(copy), capture_output=True, text=True, check=False
    )
    lines = done.stdout.split()
    return len(lines) == 2 and all(Path(line).resolve().is_relative_to(copy.resolve()) for line in lines)


def run_tests(copy: Path, tests: Sequence[str], timeout_s: int = TIMEOUT_S) -> tuple[int | None, str]:
    """Runs tests in a copy; gives pytest's exit code (None if it took too long) and the end of what it said."""
    words = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist"]
    try:
        done = subprocess.run(
            [*words, *tests],
            cwd=copy,
            env=environment(copy),
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        return None, f"no end after {timeout_s} s"
    return done.returncode, "\n".join((done.stdout + done.stderr).strip().splitlines()[-25:])


def try_row(mutant: Mutant, copy: Path) -> Verdict:
    """Breaks the copy as the row says, runs its tests there, and mends the copy again."""
    begun = time.monotonic()
    problem = problem_of(mutant, copy)
    if problem is not None:
        return Verdict(mutant, killed=False, said=problem, took_s=0.0)
    path = copy / mutant.file
    clean = path.read_text()
    try:
        _write(path, clean.replace(mutant.old, mutant.new))
        code, said = run_tests(copy, mutant.tests)
    finally:
        _write(path, clean)
    took_s = time.monotonic() - begun
    # 1: tests ran and some failed. Anything else (no tests, an import that breaks, a hang) proves nothing.
    if code == 1:
        return Verdict(mutant, killed=True, said="killed", took_s=took_s)
    why = "SURVIVED: the tests pass" if code == 0 else f"proves nothing (exit {code}):\n{said}"
    return Verdict(mutant, killed=False, said=why, took_s=took_s)


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    # A compiled file of the same size and second would be taken for the new one.
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()


def chosen(found: Iterable[Mutant], words: Sequence[str]) -> list[Mutant]:
    """Gives the rows that an argument names; all of them without arguments."""
    return [row for row in found if not words or any(word in (row.guarantee, *row.mistake.split()) for word in words)]


def main(words: Sequence[str]) -> int:
    """Runs the rows and prints a table; exits 1 if one is not killed or the clean tree fails."""
    found = chosen(rows(), words)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(WORKERS):
            copy = Path(folder) / str(number)
            copy.mkdir()
            copy_tree(copy)
            if not imports_the_copy(copy):
                print("the copy is not what Python imports", file=sys.stderr)
                return 1
            copies.put(copy)
        first = copies.get()
        code, said = run_tests(first, sorted({test for row in found for test in row.tests}), CLEAN_S)
        copies.put(first)
        if code != 0:
            print(f"the tests do not pass on the clean tree (exit {code}):\n{said}", file=sys.stderr)
            return 1

        def work(row: Mutant) -> Verdict:
            copy = copies.get()
            try:
                return try_row(row, copy)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(WORKERS) as pool:
            verdicts = []
            for verdict in pool.map(work, found):
                verdicts.append(verdict)
                mark = "ok  " if verdict.killed else "FAIL"
                print(
                    f"{mark} {verdict.mutant.guarantee:<23} {verdict.took_s:5.1f} s  {verdict.mutant.mistake}",
                    flush=True,
                )
                if not verdict.killed:
                    print(f"     {verdict.said}", flush=True)
    failed = sum(not verdict.killed for verdict in verdicts)
    print(f"{len(verdicts) - failed} passed, {failed} failed")
    return 1 if failed or not verdicts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
