"""The one wrapper around every request: host, body limit, request id, headers, errors; and the choice by method."""

from __future__ import annotations

import itertools
import logging
import re
import secrets
import traceback
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallystick.errors import BodyTooLarge, InvalidRequest, MethodNotAllowed, TallystickError, UnknownHost
from tallystick.http import response_of
from tallystick.web.replies import json_reply

BODY_LIMIT = 64 * 1024
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST = re.compile(rb"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_HOSTS_KEPT = 32
_log = logging.getLogger("tallystick.web")

Handler = Callable[[Request], Awaitable[Response]]

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
HSTS = (b"strict-transport-security", b"max-age=31536000")


class Resource:
    """A path: one handler for each method, 405 with Allow for the others. GET answers HEAD too.

    Args:
        handlers: method → handler.
    """

    def __init__(self, **handlers: Handler) -> None:
        self._handlers = handlers | ({"HEAD": handlers["GET"]} if "GET" in handlers else {})
        self._allow = ", ".join(sorted(self._handlers))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the handler of the method, after the whole body has arrived."""
        handler = self._handlers.get(scope["method"])
        if handler is None:
            raise MethodNotAllowed("no handler for this method", allow=self._allow)
        request = Request(scope, receive)
        await request.body()
        response = await handler(request)
        await response(scope, receive, send)


class Edge:
    """Wraps an ASGI app.

    Args:
        app: what answers.
        issuer: its host is served; on http, which is development, every name of the loopback too.
    """

    def __init__(self, app: ASGIApp, issuer: str) -> None:
        self._app = app
        parts = urlsplit(issuer)
        host = parts.netloc.rpartition("@")[2].lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        self._names = {name} | (LOCAL_HOSTS if parts.scheme == "http" else frozenset())
        self._hosts: set[bytes] = set()
        self._headers = [*SECURITY_HEADERS, *([HSTS] if parts.scheme == "https" else [])]
        self._process = secrets.token_hex(4)
        self._counter = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; every error becomes an answer, and none but ours says a word."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = f"{self._process}-{next(self._counter):x}"
        headers = [*self._headers, (b"x-request-id", name.encode())]
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        try:
            self._check(scope)
            await self._app(scope, _limited(receive), send_with_headers)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001  (whatever went wrong, the client gets an answer and the log a line)
            _tell(error, name)
            if not started:
                await _refuse(scope, error, send_with_headers)

    def _check(self, scope: Scope) -> None:
        hosts, lengths = [], []
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value)
            elif name == b"content-length":
                lengths.append(value)
        # RFC 9112 section 3.2: exactly one Host.
        if len(hosts) != 1:
            raise InvalidRequest("no Host header, or several")
        if hosts[0] not in self._hosts:
            self._learn(hosts[0])
        if lengths and not (len(lengths[0]) < 10 and lengths[0].isdigit() and int(lengths[0]) <= BODY_LIMIT):
            raise BodyTooLarge("the Content-Length is over the limit")

    def _learn(self, host: bytes) -> None:
        found = _HOST.fullmatch(host)
        if found is None:
            raise InvalidRequest("the Host header is malformed")
        if found[1].decode().lower() not in self._names:
            raise UnknownHost("another host")
        if len(self._hosts) < _HOSTS_KEPT:
            self._hosts.add(host)


def _limited(receive: Receive) -> Receive:
    left = BODY_LIMIT

    async def limited() -> Message:
        nonlocal left
        message = await receive()
        if message["type"] == "http.request":
            left -= len(message.get("body", b""))
            if left < 0:
                raise BodyTooLarge("the body is over the limit")
        return message

    return limited


async def _refuse(scope: Scope, error: Exception, send: Send) -> None:
    answer = response_of(error)
    # What was not read of the body must not be taken for the next request.
    closing = isinstance(error, BodyTooLarge) and scope.get("http_version", "1.1").startswith("1")
    headers = {**answer.headers, **({"Connection": "close"} if closing else {})}
    await json_reply(answer.body, answer.status, headers)(scope, _nothing, send)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _tell(error: Exception, request: str) -> None:
    if not isinstance(error, TallystickError):
        # The text of a foreign exception may hold what a client sent, so only its type and its frames are logged.
        frames = "".join(traceback.format_tb(error.__traceback__))
        _log.error("request %s failed with %s\n%s", request, type(error).__name__, frames)
    elif response_of(error).status >= 500:
        _log.warning("request %s: %s", request, error)
