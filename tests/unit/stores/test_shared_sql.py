"""The shared SQL keeps to the part that both engines know."""

from __future__ import annotations

import re

import pytest

from tallystick.stores.sql import migrate, statements

ALL = {name: text for name, text in vars(statements).items() if name.isupper() and isinstance(text, str)} | {
    f"{one.name} {number}": text for one in migrate.known() for number, text in enumerate(one.statements())
}
AVOID = re.compile(
    r"\b(BLOB|INTEGER|BOOLEAN|SERIAL|AUTOINCREMENT|IDENTITY|STRICT|WITHOUT ROWID|FOR UPDATE|ANY|json_each|TRUE|FALSE"
    r"|INSERT OR|REPLACE INTO|now\(|max\(|greatest\()|x'|\?|%s",
    re.IGNORECASE,
)


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_statement_is_for_both_engines(name: str) -> None:
    """No type, clause or function that only one engine has; every value comes by a numbered placeholder."""
    text = ALL[name]
    assert AVOID.search(text) is None
    numbers = {int(found) for found in re.findall(r"\$(\d+)", text)}
    assert numbers == set(range(1, len(numbers) + 1))


def test_a_statement_for_one_engine_is_found() -> None:
    """The search sees each thing to avoid."""
    for text in ("CREATE TABLE t (x BLOB)", "SELECT 1 FOR UPDATE", "SELECT x = ANY($1)", "SELECT ?", "VALUES (x'00')"):
        assert AVOID.search(text)
