"""FastAPI: the session of a request as a dependency, and what a route demands of it. Sugar only.

The app's lifespan is an authority's or a verifier's; whichever it is, these find it in the lifespan state.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Coroutine, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.openapi.models import APIKey, APIKeyIn, HTTPBearer
from fastapi.responses import JSONResponse
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from tallystick.core.credentials.view import SessionView
from tallystick.errors import Misconfigured, TallystickError
from tallystick.http import (
    COOKIE_NAME,
    NO_STORE,
    SAFE_METHODS,
    cookie_name_of,
    guard,
    origin_of,
    presented,
    response_of,
    sign_in_url,
)
from tallystick.http import check_fresh as demand_fresh
from tallystick.http import check_scopes as demand_scopes
from tallystick.session_source import STATE_NAME, SessionSource

__all__ = ["CurrentSession", "PageSession", "Refused", "current", "fresh", "install", "page", "requires"]


class Refused(HTTPException):
    """One of our errors as FastAPI tells errors: with the right status and headers, whatever is registered.

    Args:
        error: ours.
    """

    def __init__(self, error: TallystickError) -> None:
        answer = response_of(error)
        super().__init__(answer.status, dict(answer.body), dict(answer.headers))
        self.error = error


class _Scheme(SecurityBase):
    """Writes a credential into the OpenAPI document; the check itself is `current`."""

    def __init__(self, name: str, model: APIKey | HTTPBearer) -> None:
        self.scheme_name = name
        self.model = model

    async def __call__(self) -> None:
        """Does nothing."""


_COOKIE = _Scheme("session cookie", APIKey.model_validate({"in": APIKeyIn.cookie, "name": COOKIE_NAME}))
_TOKEN = _Scheme("access token", HTTPBearer(bearerFormat="JWT", description="An access token (RFC 9068)."))


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except TallystickError as error:
        raise Refused(error) from error


def current(
    *, csrf: bool = True, trusted_origins: Collection[str] = ()
) -> Callable[..., Coroutine[Any, Any, SessionView]]:
    """Makes the dependency that gives the session of a request or websocket, by cookie or access token.

    Args:
        csrf: False lets other sites' pages act with a person's cookie.
        trusted_origins: origins beside the issuer's whose pages may act for whoever is signed in.
    """

    async def session(
        connection: HTTPConnection, _cookie: None = Depends(_COOKIE), _token: None = Depends(_TOKEN)
    ) -> SessionView:
        with _telling():
            source: SessionSource | None = connection.scope.get("state", {}).get(STATE_NAME)
            if source is None:
                raise Misconfigured("the app's lifespan is neither an authority's nor a verifier's")
            # The handshake of a websocket has no method that counts: a page of any site may send one.
            method = connection.scope.get("method", "CONNECT")
            if csrf and method not in SAFE_METHODS:
                headers = connection.scope["headers"]
                credential = presented(headers, cookie_name_of(source.issuer))
                guard(method, headers, credential, origin_of(source.issuer), trusted_origins)
            return source.glance(connection.scope) or await source.session_of(connection.scope)

    return session


_guarded, _unguarded = current(), current(csrf=False)

CurrentSession = Annotated[SessionView, Depends(_guarded)]
"""The parameter type of a handler that wants a session: 401 without one, 403 for another site's page, 503 for our trouble."""


def requires(*scopes: str, csrf: bool = True) -> Any:
    """Demands scopes: `dependencies=[requires("notes:write")]`, or `Annotated[SessionView, requires("notes:write")]`.

    Args:
        scopes: all of them are needed.
        csrf: False lets other sites' pages act with a person's cookie.
    """

    looked = Depends(_guarded if csrf else _unguarded)

    async def scoped(session: SessionView = looked) -> SessionView:
        with _telling():
            demand_scopes(session, scopes)
        return session

    return Depends(scoped)


def fresh(*, minutes: int = 10, csrf: bool = True) -> Any:
    """Demands that the person proved who they are less than some minutes ago (RFC 9470): 401 otherwise.

    Args:
        minutes: how long ago.
        csrf: False lets other sites' pages act with a person's cookie.
    """

    looked = Depends(_guarded if csrf else _unguarded)

    async def recent(session: SessionView = looked) -> SessionView:
        with _telling():
            demand_fresh(session, int(time.time()), minutes * 60)
        return session

    return Depends(recent)


def page(*scopes: str, fresh_minutes: int | None = None) -> Any:
    """Gives the session of a page that people open: who is not signed in is sent to sign in, and comes back.

    Scripts and programs are refused as with `requires`: only a browser that opens the page is sent anywhere.

    Args:
        scopes: all of them are needed.
        fresh_minutes: how long ago the person may have proved who they are; None for any time.
    """

    async def opened(
        connection: HTTPConnection, _cookie: None = Depends(_COOKIE), _token: None = Depends(_TOKEN)
    ) -> SessionView:
        try:
            session = await _guarded(connection)
            with _telling():
                demand_scopes(session, scopes)
                if fresh_minutes is not None:
                    demand_fresh(session, int(time.time()), fresh_minutes * 60)
        except Refused as refused:
            scope = connection.scope
            query = scope.get("query_string", b"").decode("latin-1")
            target = connection.url.path + (f"?{query}" if query else "")
            issuer = scope["state"][STATE_NAME].issuer if STATE_NAME in scope.get("state", {}) else ""
            place = sign_in_url(refused.error, scope.get("method", ""), scope["headers"], issuer, target)
            if place is None:
                raise
            raise HTTPException(303, "Sign in first.", {**NO_STORE, "Location": place}) from refused
        return session

    return Depends(opened)


PageSession = Annotated[SessionView, page()]
"""As CurrentSession, for a page: a browser that is not signed in is sent to sign in, and comes back."""


def install(app: FastAPI) -> None:
    """Tells our errors as plain `{"error", "message"}`, also those that handlers raise; without it, under `detail`."""

    async def refuse(request: Request, error: Exception) -> Response:
        answer = response_of(error.error if isinstance(error, Refused) else error)
        return JSONResponse(answer.body, answer.status, answer.headers)

    app.add_exception_handler(Refused, refuse)
    app.add_exception_handler(TallystickError, refuse)
