"""Files stay small enough to be read in one go."""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import median

from tests.architecture.source import ROOT, SOURCE, TESTS, lines, modules

STOP = 500
STOP_TESTS = 600
ASK = 300
MEDIAN = 130
CORE = 2300
LONG_FOR_A_REASON = {
    "src/tallystick/http.py": "credentials, the cross-site rules and the one table from errors to answers belong together",
    "src/tallystick/errors.py": "the whole tree of errors is read in one place; each class is four lines",
}
"""Source file over 300 lines → why it is one file."""


def over(limit: int, paths: list[Path]) -> dict[str, int]:
    """Gives the files that are longer than a limit, with their lines."""
    return {path.relative_to(ROOT).as_posix(): lines(path) for path in paths if lines(path) > limit}


def code_lines(text: str) -> int:
    """Counts the lines of a module that are neither blank nor a comment nor part of a docstring."""
    documentation = set[int]()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            documentation.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    rows = enumerate(text.splitlines(), 1)
    return sum(1 for number, row in rows if row.strip()[:1] not in ("", "#") and number not in documentation)


def test_no_source_file_is_over_500_lines() -> None:
    """A source file is split long before it has 500 lines."""
    assert over(STOP, modules()) == {}


def test_no_test_file_is_over_600_lines() -> None:
    """A test file is split before it has 600 lines."""
    assert over(STOP_TESTS, sorted(TESTS.rglob("*.py"))) == {}


def test_a_file_over_300_lines_has_a_reason() -> None:
    """A source file over 300 lines is listed with the reason why it is one file, and nothing else is listed."""
    assert over(ASK, modules()).keys() == LONG_FOR_A_REASON.keys()
    assert all(len(reason.split()) >= 5 for reason in LONG_FOR_A_REASON.values())


def test_the_median_file_is_short() -> None:
    """Half of the source files have at most 130 lines."""
    assert median(lines(path) for path in modules()) <= MEDIAN


def test_the_core_can_be_read_in_an_evening() -> None:
    """The core has at most 2,300 lines of code; docstrings, comments and blank lines are not counted."""
    assert sum(code_lines(path.read_text()) for path in (SOURCE / "core").rglob("*.py")) <= CORE


def test_documentation_is_not_counted_as_code() -> None:
    """Only lines that do something count."""
    assert code_lines('"""One\n\ntwo."""\n\n# three\nx = 1  # four\n\n\ndef f():\n    """Five."""\n    return x\n') == 3


def test_a_long_file_is_found(tmp_path: Path) -> None:
    """The count sees one line too many."""
    path = tmp_path / "long.py"
    path.write_text("\n" * (STOP + 1))
    assert lines(path) > STOP
    path.write_text("\n" * STOP)
    assert lines(path) == STOP
