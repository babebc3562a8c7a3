"""What an authority does for clients: one method for each use case, which its own file tells of."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.authority import browser, clients, refresh
from tallystick.authority.issued import Tokens
from tallystick.authority.world import World
from tallystick.core.revocation.entry import Position


class ForClients:
    """A part of `Authority`."""

    world: World

    async def issue_access_token(self, cookie: str, *, audience: str | None = None) -> Tokens:
        """Mints an access token from a browser's session. See browser.issue_access_token."""
        return await browser.issue_access_token(self.world, cookie, audience)

    async def refresh(
        self,
        token: str,
        *,
        client_id: str | None,
        client_secret: str | None = None,
        scope: frozenset[str] | None = None,
        network: str,
    ) -> Tokens:
        """Trades a refresh token. See refresh.refresh."""
        return await refresh.refresh(
            self.world, token, client_id=client_id, client_secret=client_secret, scope=scope, network=network
        )

    async def client_credentials(
        self,
        *,
        client_id: str,
        client_secret: str,
        scope: frozenset[str] | None = None,
        audience: str | None = None,
        network: str,
    ) -> Tokens:
        """Gives a service an access token. See clients.client_credentials."""
        return await clients.client_credentials(
            self.world,
            client_id=client_id,
            client_secret=client_secret,
            scope=scope,
            audience=audience,
            network=network,
        )

    async def open_from(
        self,
        cookie: str,
        *,
        client_id: str,
        scope: frozenset[str],
        audiences: Sequence[str] = (),
        bound: bool = True,
        born: Position | None = None,
        label: str = "",
    ) -> Tokens:
        """Opens a client's session from a browser's. See browser.open_session_from."""
        return await browser.open_session_from(
            self.world, cookie, client_id, scope=scope, audiences=audiences, bound=bound, born=born, label=label
        )
