"""The one protocol that Authority and Verifier fulfil. Adapters know only this, so a route moves by changing one line."""

from __future__ import annotations

from typing import Any, Protocol

from tallystick.core.credentials.view import SessionView

STATE_NAME = "tallystick"
"""The name under which an authority or a verifier puts itself into the lifespan state."""


class SessionSource(Protocol):
    """Gives the session behind a request, whichever credential it carries."""

    @property
    def issuer(self) -> str:
        """The authority's URL; it decides what the session cookie is called and which origin is our own."""

    def verify(self, token: str) -> SessionView:
        """Checks an access token without I/O. Raises Rejected (401) or Unavailable (503)."""

    async def view_of_cookie(self, value: str) -> SessionView:
        """Checks a session cookie's value; its first sight costs one batched read. Raises Rejected or Unavailable."""

    def glance(self, connection: Any) -> SessionView | None:
        """Gives the session that a request presents if its credential was seen before; None means: ask `session_of`.

        Raises:
            CredentialMissing: it carries no credential.
            Rejected: what it carries is no good.
            Unavailable: our own trouble.
        """

    async def session_of(self, connection: Any) -> SessionView:
        """Gives the session that a request presents, by either credential.

        Args:
            connection: a request or websocket with `scope`, an ASGI scope, or headers as ASGI gives them.

        Raises:
            CredentialMissing: it carries no credential.
            Rejected: what it carries is no good.
            Unavailable: our own trouble.
        """
