"""What a handler receives."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from tallystick.core.credentials.view import CookieFill, SessionView
from tallystick.core.ids import BROWSER_CLIENT
from tallystick.core.revocation.entry import Position
from tests.support.sessions import ADA, HEAD, T0, session_id

VIEW = SessionView(
    id=session_id("s"), principal=ADA, client=BROWSER_CLIENT, scopes=frozenset({"notes:read"}), tal=HEAD,
    credential="cookie", expires_at=T0, csrf="a-token-nobody-may-read", claims={"jti": "a-claim-nobody-may-read"},
)  # fmt: skip


def test_a_view_does_not_print_the_csrf_token_or_the_claims() -> None:
    """A view that ends up in a log tells whose session it is and nothing that could be presented."""
    assert "nobody-may-read" not in repr(VIEW)
    assert str(ADA) in repr(VIEW)


def test_a_view_cannot_be_changed_by_a_handler() -> None:
    """A handler cannot give its session another principal or more scopes."""
    with pytest.raises(FrozenInstanceError):
        VIEW.scopes = frozenset({"admin"})  # type: ignore[misc]


def test_a_view_is_hashable_whatever_claims_it_carries() -> None:
    """A view can be kept in a set: it is told apart by what it says of the session."""
    again = SessionView(
        id=session_id("s"), principal=ADA, client=BROWSER_CLIENT, scopes=frozenset({"notes:read"}), tal=HEAD,
        credential="cookie", expires_at=T0, csrf="a-token-nobody-may-read", claims={"jti": "another"},
    )  # fmt: skip
    assert len({VIEW, again}) == 1


def test_a_digest_that_stands_for_nothing_has_a_fill_that_says_why() -> None:
    """The answer for an unknown cookie carries the position at which it was true."""
    fill = CookieFill(read_at=Position(1, 3), good_until=T0, view=None, because="missing")
    assert (fill.view, fill.because, fill.read_at) == (None, "missing", Position(1, 3))
