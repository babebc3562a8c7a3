"""Accounts."""

from __future__ import annotations

import pytest

from tallystick.core.ids import PrincipalId
from tallystick.identity.account import ADMIN_PERMISSION, Account, is_permission


def test_an_account_prints_neither_address_nor_hash() -> None:
    """What reaches a log by accident names the principal and nothing else."""
    account = Account(
        PrincipalId.of(bytes(16)), 3, "Ada@example.com", "ada@example.com", "$argon2id$x", frozenset(), True, 1, 1
    )
    assert "ada" not in repr(account).lower()
    assert "argon2" not in repr(account)
    assert str(account.id) in repr(account)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("notes:write", True),
        (ADMIN_PERMISSION, True),
        ("a" * 128, True),
        ("", False),
        ("a" * 129, False),
        ("two words", False),
        ('quo"te', False),
        ("back\\slash", False),
        ("é", False),
        ("line\n", False),
    ],
)
def test_a_permission_is_a_scope_token(text: str, good: bool) -> None:
    """What may be a scope on the wire may be a permission, and nothing else."""
    assert is_permission(text) is good
