"""The refresh token: derived, never stored."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.core.credentials.refresh_token import (
    GENERATION_MAX,
    RefreshToken,
    derive_refresh_token,
    parse_refresh_token,
)
from tallystick.core.ids import SessionId
from tests.support.vectors import vectors

VECTORS = vectors("refresh_token")["vectors"]
SESSION = SessionId.of(bytes(range(16)))
OLD, NEW = bytes(range(32)), bytes(range(1, 33))
KEYS = {1: OLD, 2: NEW}
TOKEN = derive_refresh_token(OLD, SESSION, 7).reveal()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: f"{one['master'][:4]}-{one['generation']}")
def test_the_same_master_key_session_and_generation_give_the_identical_token(vector: dict[str, Any]) -> None:
    """A successor can be handed out again, byte for byte, also by another process or a later release."""
    master, session, generation = bytes.fromhex(vector["master"]), SessionId(vector["session"]), vector["generation"]
    assert derive_refresh_token(master, session, generation).reveal() == vector["token"]
    assert parse_refresh_token(vector["token"], {3: master}) == RefreshToken(session, generation, 3)


def test_a_token_of_an_older_master_key_is_recognised() -> None:
    """After the root key was changed, tokens made before are still known, with the version they were made with."""
    assert parse_refresh_token(TOKEN, KEYS) == RefreshToken(SESSION, 7, 1)
    assert parse_refresh_token(derive_refresh_token(NEW, SESSION, 7).reveal(), KEYS) == RefreshToken(SESSION, 7, 2)
    assert parse_refresh_token(TOKEN, {2: NEW}) is None
    assert parse_refresh_token(TOKEN, {}) is None


def test_a_token_cannot_be_turned_into_that_of_another_session_or_generation() -> None:
    """Whoever holds one refresh token can make no other: the MAC covers session and generation."""
    prefix, session, generation, mac = TOKEN.split("_", 3)
    other = SessionId.of(bytes(16))
    for forged in (
        f"{prefix}_{session}_8_{mac}",
        f"{prefix}_{session}_6_{mac}",
        f"{prefix}_{other}_{generation}_{mac}",
        f"{prefix}_{session}_{generation}_{mac[:-1]}{'A' if mac[-1] != 'A' else 'B'}",
        f"{prefix}_{session}_{generation}_{'A' * 43}",
    ):
        assert parse_refresh_token(forged, KEYS) is None


@pytest.mark.parametrize(
    "text",
    [
        "", "tsr_", TOKEN[:-1], TOKEN + "A", TOKEN + "\n", " " + TOKEN, "tsc_" + TOKEN[4:], TOKEN.replace("_7_", "_07_"),
        TOKEN.replace("_7_", "_-7_"), TOKEN.replace("_7_", "_+7_"), TOKEN.replace("_7_", "__"), TOKEN.replace("_7_", "_٧_"),
        TOKEN.replace("_7_", f"_{10**10}_"), TOKEN.replace("_7_", "_7\n_"), TOKEN[:-1] + "=", "x" * 100_000,
    ],
    ids=lambda text: repr(text[:40]),
)  # fmt: skip
def test_what_is_no_refresh_token_is_refused_without_reading_anything(text: str) -> None:
    """A text of another form, also one with a number written in another way, is none of ours."""
    assert parse_refresh_token(text, KEYS) is None


def test_the_last_generation_is_the_largest_that_parses() -> None:
    """A generation beyond what a row can hold is no refresh token, whoever signed it."""
    last = derive_refresh_token(OLD, SESSION, GENERATION_MAX).reveal()
    assert parse_refresh_token(last, KEYS) == RefreshToken(SESSION, GENERATION_MAX, 1)
    beyond = derive_refresh_token(OLD, SESSION, GENERATION_MAX + 1).reveal()
    assert parse_refresh_token(beyond, KEYS) is None
