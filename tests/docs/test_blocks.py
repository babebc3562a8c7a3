"""The examples in the documentation are real."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import RUNNABLE, Block, blocks, pages

ALL = [block for page in pages() for block in blocks(page, page.read_text())]
PYTHON = [block for block in ALL if block.language == "python"]


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.name)
def test_every_python_example_compiles(block: Block) -> None:
    """A Python example in README or docs is Python, top-level `await` allowed."""
    compile(block.text, block.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("block", [block for block in PYTHON if block.runnable], ids=lambda block: block.name)
def test_every_runnable_example_runs(block: Block, tmp_path: Path) -> None:
    """An example that is marked runnable runs as it stands, in an empty folder, and warns of nothing."""
    script = tmp_path / "example.py"
    script.write_text(block.text)
    done = subprocess.run(
        [sys.executable, "-W", "error", script.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{block.name}\n{done.stdout}{done.stderr}"


def test_there_are_examples_to_check() -> None:
    """The documentation has Python examples, and at least one of them runs."""
    assert len(PYTHON) >= 3
    assert any(block.runnable for block in PYTHON)


def test_only_what_can_run_is_marked_runnable() -> None:
    """The mark stands only before a block of Python or of shell, so that none is left out unnoticed."""
    assert {block.language for block in ALL if block.runnable} <= {"python", "sh"}
    marked = sum(page.read_text().count(RUNNABLE) for page in pages())
    assert marked == sum(block.runnable for block in ALL)


def test_a_block_is_read_as_it_stands() -> None:
    """The reader of blocks finds language, text and mark, also in an indented block."""
    page = Path(__file__)
    text = f"{RUNNABLE}\n```python\nx = 1\n```\n\n  ~~~sh\n  ls\n  ~~~\n"
    first, second = blocks(page, text)
    assert (first.language, first.text, first.runnable, first.line) == ("python", "x = 1\n", True, 2)
    assert (second.language, second.text, second.runnable) == ("sh", "ls\n", False)
    with pytest.raises(ValueError, match="never closed"):
        list(blocks(page, "```python\nx = 1\n"))
