"""Each test says in one sentence what holds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, TESTS, modules

FILES = sorted(TESTS.rglob("*.py")) + modules("testing")


def speechless(tree: ast.AST) -> Iterator[str]:
    """Names the tests of a file that have no sentence as their docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            sentence = (ast.get_docstring(node) or "").split("\n\n")[0].strip()
            if len(sentence.split()) < 3 or not sentence.endswith((".", "?", "!", ":")):
                yield node.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_test_says_what_holds(path: Path) -> None:
    """A test without a sentence that a user could understand is not finished."""
    assert list(speechless(ast.parse(path.read_text()))) == []


def test_a_speechless_test_is_found() -> None:
    """A test without a docstring, or with a label instead of a sentence, is noticed."""
    tree = ast.parse(
        "def test_a(): ...\ndef test_b():\n    'B.'\ndef test_c():\n    'Water is wet.'\ndef helper(): ...\n"
    )
    assert list(speechless(tree)) == ["test_a", "test_b"]
