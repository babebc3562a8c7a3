"""The reference says what the code says."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from tallystick.core.policy import Policy
from tallystick.server.settings import PREFIX, Settings
from tests.docs.pages import ROOT, anchors
from tools.changelog import fragments
from tools.reference import (
    ERRORS_PAGE,
    PAGES,
    PYTHON_PAGE,
    SETTINGS_PAGE,
    error_classes,
    errors_page,
    public_names,
    settings_of,
)

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


@pytest.mark.parametrize("page", [SETTINGS_PAGE, PYTHON_PAGE], ids=lambda page: page.name)
def test_the_generated_page_is_the_one_that_the_code_gives(page: Path) -> None:
    """`docs/reference/settings.md` and `python.md` are what `make docs` writes."""
    assert page.read_text() == PAGES[page]()


def test_every_setting_has_its_words() -> None:
    """A setting that is added to the server is told with its environment variable, and one of the policy with its meaning."""
    text = SETTINGS_PAGE.read_text()
    names = [name for name, _ in settings_of(Settings)]
    assert all(f"\n## {name}\n" in text for name in names)
    variables = [f"`{PREFIX}{name.upper().replace('.', '__')}`" for name in names if name != "policy"]
    assert all(variable in text for variable in variables)
    assert len(names) > len(Settings.model_fields)
    rows = re.findall(r"^\| `policy\.([\w.]+)` \|.*\| (.+) \|$", text, re.MULTILINE)
    assert {name.split(".")[0] for name, _ in rows} == {field.name for field in fields(Policy)}
    assert all(meaning.strip() for _, meaning in rows)


def test_every_public_name_has_its_heading() -> None:
    """Each public name has a heading, and a sentence below it."""
    text = PYTHON_PAGE.read_text()
    for module, name in public_names():
        found = re.search(rf"^### {re.escape(module)}\.{name}\n\n(\S.+)$", text, re.MULTILINE)
        assert found, f"{module}.{name}"
        assert not found[1].startswith("```"), f"{module}.{name} has no sentence"
