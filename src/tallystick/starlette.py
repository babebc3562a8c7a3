"""Starlette: the session of a request, and what a route demands of it. Sugar only.

The app's lifespan is an authority's or a verifier's; whichever it is, these find it in the lifespan state.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallystick import http
from tallystick.core.credentials.view import SessionView
from tallystick.errors import CrossSite, Misconfigured, TallystickError
from tallystick.session_source import STATE_NAME, SessionSource

__all__ = ["SessionMiddleware", "refusal", "requires", "session_of"]

_FOUND = "tallystick.session"
Handler = TypeVar("Handler", bound=Callable[..., Any])


async def session_of(connection: HTTPConnection, *, csrf: bool = True) -> SessionView:
    """Gives the session that a request or websocket presents, by cookie or access token; a second call costs nothing.

    Args:
        connection: the request.
        csrf: False lets other sites' pages act with a person's cookie.

    Raises:
        Rejected, CrossSite, Unavailable: `refusal` tells them; `requires` and SessionMiddleware do so by themselves.
    """
    scope = connection.scope
    found = scope.get(_FOUND)
    if found is None:
        source = _source(scope, csrf)
        found = scope[_FOUND] = source.glance(scope) or await source.session_of(scope)
    elif isinstance(found, TallystickError):
        raise found
    view: SessionView = found
    return view


def _source(scope: Scope, csrf: bool, trusted_origins: Collection[str] = ()) -> SessionSource:
    try:
        source: SessionSource = scope["state"][STATE_NAME]
    except KeyError:
        raise Misconfigured("the app's lifespan is neither an authority's nor a verifier's") from None
    # The handshake of a websocket has no method that counts: a page of any site may send one.
    method = scope.get("method", "CONNECT")
    if csrf and method not in http.SAFE_METHODS:
        issuer, headers = source.issuer, scope["headers"]
        credential = http.presented(headers, http.cookie_name_of(issuer))
        http.guard(method, headers, credential, http.origin_of(issuer), trusted_origins)
    return source


def refusal(error: TallystickError) -> Response:
    """Gives the response that tells an error."""
    answer = http.response_of(error)
    return JSONResponse(answer.body, answer.status, answer.headers)


def requires(
    *scopes: str, fresh_minutes: int | None = None, csrf: bool = True, page: bool = False
) -> Callable[[Handler], Handler]:
    """Lets a handler run only for a session that may: 401, 403 or 503 otherwise.

    Args:
        scopes: all of them are needed; with none, any session will do.
        fresh_minutes: how long ago the person may have proved who they are; None for any time.
        csrf: False lets other sites' pages act with a person's cookie.
        page: sends a browser that opens the page and is not signed in to sign in, instead of refusing it.
    """

    def decorate(handler: Handler) -> Handler:
        runs: Callable[..., Awaitable[Any]] = handler
        if not iscoroutinefunction(handler):

            async def runs(*arguments: Any) -> Any:
                return await run_in_threadpool(handler, *arguments)

        @wraps(handler)
        async def guarded(*arguments: Any) -> Any:
            scope = arguments[-1].scope
            try:
                view = scope.get(_FOUND)
                if view is None:
                    source = _source(scope, csrf)
                    view = scope[_FOUND] = source.glance(scope) or await source.session_of(scope)
                elif isinstance(view, TallystickError):
                    raise view
                if scopes:
                    http.check_scopes(view, scopes)
                if fresh_minutes is not None:
                    http.check_fresh(view, int(time.time()), fresh_minutes * 60)
            except TallystickError as error:
                return (page and _sent_to_sign_in(error, scope)) or refusal(error)
            return await runs(*arguments)

        return guarded  # type: ignore[return-value]

    return decorate


def _sent_to_sign_in(error: TallystickError, scope: Scope) -> Response | None:
    source = scope.get("state", {}).get(STATE_NAME)
    query = scope.get("query_string", b"").decode("latin-1")
    target = HTTPConnection(scope).url.path + (f"?{query}" if query else "")
    issuer = "" if source is None else source.issuer
    place = http.sign_in_url(error, scope.get("method", ""), scope["headers"], issuer, target)
    return None if place is None else RedirectResponse(place, 303, dict(http.NO_STORE))


class SessionMiddleware:
    """Looks at every request's session before the app does, checks for cross-site requests, and tells our errors.

    A request without a good credential still reaches the app: `session_of` and `requires` refuse it there.

    Args:
        app: the app.
        csrf: False lets other sites' pages act with a person's cookie.
        trusted_origins: origins beside the issuer's whose pages may act for whoever is signed in.
    """

    def __init__(self, app: ASGIApp, *, csrf: bool = True, trusted_origins: Collection[str] = ()) -> None:
        self.app = app
        self.csrf = csrf
        self.trusted_origins = frozenset(trusted_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            try:
                scope[_FOUND] = await _source(scope, self.csrf, self.trusted_origins).session_of(scope)
            except (Misconfigured, CrossSite):
                raise
            except TallystickError as error:
                scope[_FOUND] = error
            await self.app(scope, receive, watched)
        except TallystickError as error:
            if started or scope["type"] == "websocket":
                raise
            await refusal(error)(scope, receive, send)
