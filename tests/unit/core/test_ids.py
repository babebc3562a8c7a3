"""Ids: one text form each, and distinct types."""

from __future__ import annotations

import pytest

from tallystick.core.ids import BROWSER_CLIENT, ClientId, KeyId, PrincipalId, SessionId
from tests.support.vectors import vectors

VECTORS = vectors("ids")


@pytest.mark.parametrize("vector", VECTORS["valid"], ids=lambda one: one["id"])
@pytest.mark.parametrize("kind", [SessionId, PrincipalId, ClientId, KeyId])
def test_sixteen_bytes_have_one_text_form(kind: type[SessionId], vector: dict[str, str]) -> None:
    """The same random bytes give the same 22 characters for ever, and they parse."""
    made = kind.of(bytes.fromhex(vector["bytes"]))
    assert made == vector["id"]
    assert type(made) is kind
    assert kind.parse(made) == made
    assert type(kind.parse(made)) is kind


@pytest.mark.parametrize("text", VECTORS["refused"], ids=repr)
@pytest.mark.parametrize("kind", [SessionId, PrincipalId])
def test_a_text_that_no_bytes_could_have_made_is_no_id(kind: type[SessionId], text: str) -> None:
    """Other lengths, look-alike characters, line ends and foreign digits are refused."""
    assert kind.parse(text) is None


@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_an_id_is_made_of_exactly_sixteen_bytes(length: int) -> None:
    """Too few random bytes cannot become an id by accident."""
    with pytest.raises(ValueError, match=f"16 bytes, not {length}"):
        SessionId.of(bytes(length))


def test_an_id_says_what_kind_it_is_when_it_is_printed_for_a_developer() -> None:
    """The kind of an id is visible while debugging; as text it is bare."""
    name = SessionId.of(bytes(16))
    assert repr(name) == "SessionId('1111111111111111111111')"
    assert f"{name}" == str(name) == "1" * 22


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("browser", True), ("a", True), ("9", True), ("x" * 64, True), ("my.app_1-2", True),
        ("", False), ("x" * 65, False), ("-app", False), (".app", False), ("_app", False),
        ("two words", False), ("app\n", False), ("äpp", False), ("a/b", False),
    ],
)  # fmt: skip
def test_a_client_may_have_a_readable_name(text: str, *, good: bool) -> None:
    """A client id is 1 to 64 letters, digits, dots, dashes and underscores, and begins with a letter or digit."""
    assert (ClientId.parse(text) is not None) is good


@pytest.mark.parametrize(
    ("text", "good"),
    [("k", True), ("-_aZ9", True), ("x" * 64, True), ("", False), ("x" * 65, False), ("a.b", False), ("k\n", False)],
)
def test_a_key_has_a_name_of_the_base64url_alphabet(text: str, *, good: bool) -> None:
    """A key id is 1 to 64 characters that need no quoting anywhere."""
    assert (KeyId.parse(text) is not None) is good


def test_the_built_in_client_of_browsers_has_a_good_name() -> None:
    """`browser` is a client id like any other."""
    assert ClientId.parse(BROWSER_CLIENT) == BROWSER_CLIENT == "browser"
