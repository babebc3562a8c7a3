"""The page of limits says what holds."""

from __future__ import annotations

from tallystick.identity import throttle
from tools.limits_reference import LIMITS_PAGE, limits_page, rules


def test_the_page_of_limits_is_the_one_that_the_code_gives() -> None:
    """`docs/reference/limits.md` is what `make docs` writes."""
    assert LIMITS_PAGE.read_text() == limits_page()


def test_every_rule_of_the_throttle_is_told() -> None:
    """A kind of attempt that is slowed down has its line, with its numbers."""
    there = {name for name, one in vars(throttle).items() if isinstance(one, throttle.Rule)}
    assert {name for name, _, _ in rules()} == there
