"""The page of events says what the source tells."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "reference" / "events.md").read_text()


def calls() -> Iterator[ast.Call]:
    """Gives every place of the source that makes an event; the Event of asyncio and of threading takes nothing."""
    for path in sorted((ROOT / "src" / "tallystick").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not (node.args or node.keywords):
                continue
            if isinstance(node.func, ast.Name) and node.func.id == "Event":
                yield node


def told() -> dict[str, set[str]]:
    """Gives the events of the source, name → names of its facts; fails on one that is not written out."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for call in calls():
        assert not call.keywords, f"line {call.lineno}: give an event's words by position"
        name = ast.literal_eval(call.args[0])
        facts = call.args[2].elts if len(call.args) > 2 and isinstance(call.args[2], ast.Tuple) else []
        assert len(call.args) < 3 or facts, f"{name}: write the facts out"
        found[name] |= {ast.literal_eval(fact.elts[0]) for fact in facts if isinstance(fact, ast.Tuple)}
    return found


def described() -> dict[str, set[str]]:
    """Gives the events of the page, name → names of its facts."""
    sections = re.findall(r"^## (\S+)$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return {name: _facts(text) for name, text in sections}


def _facts(text: str) -> set[str]:
    found = re.search(r"^\* facts: (.+)$", text, re.MULTILINE)
    assert found, text
    return set(re.findall(r"`([^`]+)`", re.sub(r"\([^)]*\)", "", found[1])))


def test_the_page_names_exactly_the_events_that_are_told() -> None:
    """Every event has its heading, and no heading is about one that nobody tells."""
    assert sorted(described()) == sorted(told())


@pytest.mark.parametrize("name", sorted(told()))
def test_the_page_names_the_facts_of_every_event(name: str) -> None:
    """What an event carries is on the page, and nothing else."""
    assert described()[name] == told()[name]
