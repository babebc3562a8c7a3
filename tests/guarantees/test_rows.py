"""The rows of `tests/mutants.toml` fit the code as it is; that they are killed is shown by `make mutants`."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.architecture.source import ROOT
from tools.mutants import GUARANTEES, Mutant, file_of_tests, problem_of, rows

ROWS = rows()


@pytest.mark.parametrize("mutant", ROWS, ids=lambda row: f"{row.guarantee}-{row.mistake[:40]}")
def test_a_row_fits_the_code(mutant: Mutant) -> None:
    """What a row replaces stands in the code exactly once, and it changes something."""
    assert problem_of(mutant) is None
    assert mutant.old != mutant.new


@pytest.mark.parametrize("guarantee", GUARANTEES)
def test_every_guarantee_is_broken_in_two_ways_and_has_tests_of_its_name(guarantee: str) -> None:
    """Each guarantee has at least two rows and a class of tests that is called after it."""
    assert Counter(row.guarantee for row in ROWS)[guarantee] >= 2
    assert f"\nclass Test{guarantee}:" in (ROOT / file_of_tests(guarantee)).read_text()


def test_the_guarantees_are_those_of_the_invariants() -> None:
    """The names are those of `spec/invariants.md`, and there are no others."""
    section = (ROOT / "spec" / "invariants.md").read_text().split("## Guarantees")[1].split("\n## ")[0]
    assert tuple(re.findall(r"^### (\w+)$", section, re.MULTILINE)) == GUARANTEES


def test_no_row_is_there_twice() -> None:
    """Each row breaks something else."""
    assert len({(row.guarantee, row.file, row.old, row.new) for row in ROWS}) == len(ROWS)


def test_a_row_that_does_not_fit_is_told_apart() -> None:
    """A row for a guarantee, a file, a text or a test that is not there is named as a problem."""
    good = ROWS[0]
    for field, value in (
        ("guarantee", "NoSuchThing"),
        ("file", "src/tallystick/nothing.py"),
        ("old", "a text that occurs nowhere"),
        ("old", "def "),
        ("tests", ("tests/nothing.py",)),
    ):
        wrong = Mutant(**{name: getattr(good, name) for name in Mutant.__slots__} | {field: value})
        assert problem_of(wrong) is not None
