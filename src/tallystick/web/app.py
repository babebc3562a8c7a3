"""The route table, complete on one screen, and the two ways to serve it: mounted, or alone."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

from starlette.routing import Router
from starlette.types import ASGIApp

from tallystick.authority.authority import Authority
from tallystick.proxies import Proxies
from tallystick.web.call import Handler
from tallystick.web.edge import NOBODY, Edge
from tallystick.web.endpoints.accounts import Accounts
from tallystick.web.endpoints.health import Health
from tallystick.web.endpoints.mirror import PATH as MIRROR_PATH
from tallystick.web.endpoints.mirror import Mirror
from tallystick.web.endpoints.oauth import TokenEndpoint
from tallystick.web.endpoints.session import Sessions
from tallystick.web.endpoints.well_known import WellKnown
from tallystick.web.pages.shell import Pages
from tallystick.web.pages.table import CHANGE_PASSWORD_PATH, with_pages
from tallystick.web.pages.troubles import Troubles
from tallystick.web.presenting import Desk
from tallystick.web.watching import METRICS_PATH, Watching

AT_ROOT = ("/livez", "/readyz", CHANGE_PASSWORD_PATH)
METADATA_PATH = "/.well-known/oauth-authorization-server"


def _table(authority: Authority, trusted_origins: Collection[str]) -> dict[str, dict[str, Handler]]:
    desk = Desk(authority, frozenset(trusted_origins))
    sessions, accounts, tokens = Sessions(authority, desk), Accounts(authority, desk), TokenEndpoint(authority)
    known, health = WellKnown(authority), Health(authority)
    return {
        "/session": {"GET": sessions.show, "POST": sessions.sign_in, "DELETE": sessions.sign_out},
        "/session/passkey": {"POST": sessions.begin_passkey},
        "/session/access-token": {"POST": sessions.mint},
        "/sign-up": {"POST": accounts.sign_up},
        "/verify": {"POST": accounts.verify},
        "/reset": {"POST": accounts.reset},
        "/oauth/token": {"POST": tokens.trade},
        "/.well-known/jwks.json": {"GET": known.key_set},
        METADATA_PATH: {"GET": known.metadata},
        MIRROR_PATH: {"GET": Mirror(authority).show},
        "/livez": {"GET": health.alive},
        "/readyz": {"GET": health.ready},
    }


def _pages(authority: Authority, trusted_origins: Collection[str], templates: Path | None) -> Pages:
    return Pages(authority, Desk(authority, frozenset(trusted_origins)), templates)


def routes(
    authority: Authority,
    *,
    trusted_origins: Collection[str] = (),
    proxies: Proxies = NOBODY,
    templates: Path | None = None,
) -> ASGIApp:
    """Gives everything that an authority answers, to be mounted under the path of its issuer.

    `app.mount("/auth", routes(authority))` serves the issuer `https://notes.example/auth`. The app's lifespan must be
    the authority's, or run it. An issuer with a path has its metadata also at another place of the host, outside of any
    mount (RFC 8414 section 3.1); `standalone` serves it there.

    Args:
        authority: whose.
        trusted_origins: origins beside the issuer's whose pages may act for whoever is signed in, such as
            `https://app.example`.
        proxies: whose forwarded headers are believed; leave it out where the ASGI server has judged them already.
        templates: a folder whose templates and assets come before those of our pages.

    Raises:
        Misconfigured: there is no such folder.
    """
    pages = _pages(authority, trusted_origins, templates)
    table = with_pages(_table(authority, trusted_origins), pages)
    lifespan = Router(lifespan=authority.lifespan)
    return Edge(table, authority.issuer, lifespan, proxies=proxies, as_page=Troubles(pages).page)


def standalone(
    authority: Authority,
    *,
    trusted_origins: Collection[str] = (),
    proxies: Proxies = NOBODY,
    templates: Path | None = None,
    watching: Watching | None = None,
) -> ASGIApp:
    """Gives a whole ASGI app, lifespan included, that serves an authority under its issuer's path and nothing else.

    With a path in the issuer, the metadata is also at `/.well-known/oauth-authorization-server/<path>`, where
    RFC 8414 section 3.1 has clients look first, and the probes, the metrics and `/.well-known/change-password` also at the
    root.

    Args:
        authority: whose.
        trusted_origins: as for `routes`.
        proxies: as for `routes`.
        templates: as for `routes`.
        watching: how it is watched; without it there are no metrics.
    """
    path = urlsplit(authority.issuer).path
    pages = _pages(authority, trusted_origins, templates)
    below = with_pages(_table(authority, trusted_origins), pages)
    table = {path + name: methods for name, methods in below.items()}
    if path:
        table |= {METADATA_PATH + path: below[METADATA_PATH]} | {name: below[name] for name in AT_ROOT}
    as_page = Troubles(pages).page
    if watching is None:
        return Edge(table, authority.issuer, Router(lifespan=authority.lifespan), proxies=proxies, as_page=as_page)
    places = {METRICS_PATH, path + METRICS_PATH}
    table |= {place: {"GET": watching.metrics} for place in places}
    return Edge(
        table,
        authority.issuer,
        Router(lifespan=watching.lifespan),
        proxies=proxies,
        as_page=as_page,
        any_host=places,
        answered=watching.answered,
    )
