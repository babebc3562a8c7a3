"""The token cache: what was verified before. It saves the signature, never the check, and never outlives `exp`."""

from __future__ import annotations

from hashlib import sha256

from tallystick.core.credentials.view import SessionView
from tallystick.core.verification.bounded import Bounded
from tallystick.errors import CredentialMalformed

TOKENS = 20_000
"""How many tokens a half holds."""


class TokenCache:
    """SHA-256 of a token → its view. The whole digest is the key, so no other token can find it.

    Args:
        half: how many tokens a half holds.
    """

    __slots__ = ("_views",)

    def __init__(self, half: int = TOKENS) -> None:
        self._views: Bounded[bytes, SessionView] = Bounded(half)

    def find(self, token: str, now: float) -> SessionView | None:
        """Gives the view of a token that was verified before, or None; None too when its time is over.

        Args:
            token: the compact form.
            now: the ratchet of the wall clock, seconds, less the leeway.

        Raises:
            CredentialMalformed: it is no text that a token could be.
        """
        try:
            key = sha256(token.encode()).digest()
        except (AttributeError, UnicodeEncodeError):
            raise CredentialMalformed("a token that is no text") from None
        views = self._views
        view = views.young.get(key) or views.get(key)
        return view if view is not None and now < view.expires_at else None

    def keep(self, token: str, view: SessionView) -> None:
        """Keeps the view of a token whose signature and claims are good."""
        self._views.put(sha256(token.encode()).digest(), view)

    def flush(self) -> None:
        """Forgets everything."""
        self._views.clear()

    def __len__(self) -> int:
        return len(self._views)
