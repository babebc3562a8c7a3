"""Links inside the repository lead somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import ROOT, anchors, links, pages


def broken(page: Path, text: str) -> list[str]:
    """Gives the links of a page that lead to no file, no folder or no heading."""
    found = []
    for target in links(text):
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if (
            not path.exists()
            or not path.is_relative_to(ROOT)
            or (anchor and anchor not in anchors(text if path == page else path.read_text()))
        ):
            found.append(target)
    return found


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    """A link to another page, or to a heading in it, finds it."""
    assert broken(page, page.read_text()) == []


def test_a_broken_link_is_found() -> None:
    """A link to a missing page or heading is noticed; links in code and to other hosts are left alone."""
    text = "# One thing\n[a](README.md) [b](#one-thing) [c](#two) [d](no.md) `[e](f.md)` [g](https://x.example/)\n"
    assert broken(ROOT / "CONTRIBUTING.md", text) == ["#two", "no.md"]
