"""The route table, complete on one screen, and the two ways to serve it: mounted, or alone."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from tallystick.authority.authority import Authority
from tallystick.errors import NotFound
from tallystick.web.edge import Edge, Resource
from tallystick.web.endpoints.accounts import Accounts
from tallystick.web.endpoints.health import Health
from tallystick.web.endpoints.oauth import TokenEndpoint
from tallystick.web.endpoints.session import Sessions
from tallystick.web.endpoints.well_known import WellKnown

METADATA_PATH = "/.well-known/oauth-authorization-server"


def _table(authority: Authority, trusted_origins: frozenset[str]) -> list[BaseRoute]:
    sessions = Sessions(authority, trusted_origins)
    accounts = Accounts(authority, trusted_origins)
    tokens = TokenEndpoint(authority)
    known = WellKnown(authority)
    health = Health(authority)
    return [
        Route("/oauth/token", Resource(POST=tokens.trade)),
        Route("/session", Resource(GET=sessions.show, POST=sessions.sign_in, DELETE=sessions.sign_out)),
        Route("/session/access-token", Resource(POST=sessions.mint)),
        Route("/sign-up", Resource(POST=accounts.sign_up)),
        Route("/.well-known/jwks.json", Resource(GET=known.key_set)),
        Route(METADATA_PATH, Resource(GET=known.metadata)),
        Route("/livez", Resource(GET=health.alive)),
        Route("/readyz", Resource(GET=health.ready)),
    ]


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    raise NotFound("no such path")


def _router(authority: Authority, routes: list[BaseRoute]) -> Router:
    return Router(routes, redirect_slashes=False, default=_nowhere, lifespan=authority.lifespan)


def routes(authority: Authority, *, trusted_origins: Collection[str] = ()) -> ASGIApp:
    """Gives everything that an authority answers, to be mounted under the path of its issuer.

    `app.mount("/auth", routes(authority))` serves the issuer `https://notes.example/auth`. The app's lifespan must be
    the authority's, or run it. An issuer with a path has its metadata also at another place of the host, outside of any
    mount (RFC 8414 section 3.1); `standalone` serves it there.

    Args:
        authority: whose.
        trusted_origins: origins beside the issuer's whose pages may act for whoever is signed in, such as
            `https://app.example`.
    """
    return Edge(_router(authority, _table(authority, frozenset(trusted_origins))), authority.issuer)


def standalone(authority: Authority, *, trusted_origins: Collection[str] = ()) -> ASGIApp:
    """Gives a whole ASGI app, lifespan included, that serves an authority under its issuer's path and nothing else.

    With a path in the issuer, the metadata is also at `/.well-known/oauth-authorization-server/<path>`, where
    RFC 8414 section 3.1 has clients look first, and the probes also at the root.
    """
    path = urlsplit(authority.issuer).path
    if not path:
        return routes(authority, trusted_origins=trusted_origins)
    known, health = WellKnown(authority), Health(authority)
    outer: list[BaseRoute] = [
        Mount(path, _router(authority, _table(authority, frozenset(trusted_origins)))),
        Route(METADATA_PATH + path, Resource(GET=known.metadata)),
        Route("/livez", Resource(GET=health.alive)),
        Route("/readyz", Resource(GET=health.ready)),
    ]
    return Edge(_router(authority, outer), authority.issuer)
