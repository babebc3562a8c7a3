"""The reference says what the code says."""

from __future__ import annotations

import pytest

from tests.docs.pages import ROOT, anchors
from tools.changelog import fragments
from tools.reference import ERRORS_PAGE, error_classes, errors_page

CODES = [cls.code for cls in error_classes()]


def test_the_page_of_errors_is_the_one_that_the_code_gives() -> None:
    """`docs/reference/errors.md` is what `make docs` writes."""
    assert ERRORS_PAGE.read_text() == errors_page()


@pytest.mark.parametrize("code", CODES)
def test_every_error_code_has_its_heading(code: str) -> None:
    """Whoever meets an error code finds a heading of that name."""
    assert f"\n## {code}\n" in ERRORS_PAGE.read_text()
    assert code.replace(".", "") in anchors(ERRORS_PAGE.read_text())


def test_no_two_errors_share_a_code() -> None:
    """An error code names one error."""
    assert len(CODES) == len(set(CODES))


def test_every_fragment_of_the_changelog_has_a_kind() -> None:
    """The fragments in `changes/` are named so that the changelog can be assembled."""
    assert sum(map(len, fragments(ROOT / "changes").values())) == len(list((ROOT / "changes").glob("*.md"))) - 1
