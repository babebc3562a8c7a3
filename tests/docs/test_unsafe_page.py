"""The page of what is refused at the start names every check."""

from __future__ import annotations

import re

from tallystick.server.unsafe import CHECKS
from tests.docs.pages import ROOT


def test_every_check_has_its_row() -> None:
    """Whoever meets an id finds it in the table, and the table has no other."""
    text = (ROOT / "docs" / "how-to" / "behind-a-proxy.md").read_text().partition("## What is refused")[2]
    assert re.findall(r"^\| `([a-z_.]+)` \|", text, re.M) == list(CHECKS)
