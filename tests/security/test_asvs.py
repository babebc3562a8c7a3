"""Every row of OWASP ASVS 5.0, levels 1 and 2, that concerns what there is has a test or a page; the others have a reason."""

from __future__ import annotations

import ast
import csv
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = list(csv.DictReader((Path(__file__).parent / "asvs.csv").read_text().splitlines()))
STATUSES = {"test", "document", "later", "absent"}


@cache
def names_in(path: str) -> frozenset[str]:
    """Gives the names of the tests in a file."""
    nodes = ast.walk(ast.parse((ROOT / path).read_text()))
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_requirement_names_what_holds_it(row: dict[str, str]) -> None:
    """A test that is named exists, a page that is named exists, and whatever has neither says why."""
    assert row["status"] in STATUSES
    if row["status"] == "test":
        assert row["where"]
        for one in row["where"].split():
            path, _, name = one.partition("::")
            assert name in names_in(path), one
    elif row["status"] == "document":
        assert (ROOT / row["where"]).is_file()
    else:
        assert not row["where"]
        assert len(row["note"].split()) >= 4


def test_no_requirement_is_there_twice_or_missing() -> None:
    """The list has all 185 rows of the two levels that concern an authentication server, each once."""
    names = [row["id"] for row in ROWS]
    assert len(names) == len(set(names)) == 185
    assert {row["level"] for row in ROWS} == {"1", "2"}


def test_a_test_that_does_not_exist_is_found() -> None:
    """A name that nobody wrote is no test."""
    assert "test_that_nobody_wrote" not in names_in("tests/security/test_asvs.py")
