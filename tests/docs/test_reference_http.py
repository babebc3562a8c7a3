"""The page of HTTP endpoints says what the route table and the table of errors say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tallystick import Authority, open_stores
from tallystick.errors import TallystickError
from tallystick.http import STATUS
from tallystick.web import app
from tests.docs.pages import ROOT
from tools.reference import error_classes

PAGE = (ROOT / "docs" / "reference" / "http.md").read_text()
ENDPOINTS = re.findall(r"^## ([A-Z]+) (/\S*)$", PAGE, re.MULTILINE)
NAMED = sorted(set(re.findall(r"\b(\d{3}) `([a-z_]+(?:\.[a-z_]+)*)`", PAGE)))
BY_CODE: dict[str, type[TallystickError]] = {cls.code: cls for cls in error_classes()}


def test_the_page_tells_exactly_the_endpoints_that_there_are(tmp_path: Path) -> None:
    """Every method of every path has its heading, once, and no heading is about something that is not served."""
    authority = Authority("http://localhost:8000", open_stores("memory://"), root_key_file=tmp_path / "root.key")
    table = app._table(authority, ())
    assert sorted(ENDPOINTS) == sorted((method, path) for path, methods in table.items() for method in methods)


@pytest.mark.parametrize(("status", "code"), NAMED)
def test_every_error_on_the_page_exists_with_its_status(status: str, code: str) -> None:
    """A code that the page names is one of ours, and is told with the status that the page says."""
    assert int(status) == next(STATUS[base] for base in BY_CODE[code].__mro__ if base in STATUS)


def test_the_page_names_errors() -> None:
    """The reader of the page finds the codes, so that the check above looks at something."""
    assert len(NAMED) > 25
