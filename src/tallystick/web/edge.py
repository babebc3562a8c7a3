"""The one wrapper around every request: host, body limit, choice of handler, headers, request id, errors."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import secrets
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from time import perf_counter
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from tallystick.authority.acting import acting_as
from tallystick.authority.timing import asked_now
from tallystick.errors import (
    BodyTooLarge,
    BodyTooSlow,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    PlainHttp,
    TallystickError,
    Unavailable,
    UnknownHost,
)
from tallystick.http import response_of
from tallystick.proxies import Proxies, Scheme
from tallystick.web.call import NO_STORE, Call, Fields, Handler, Reply, Table, json_reply
from tallystick.web.watching import Answered

BODY_LIMIT = 64 * 1024
BODY_WAIT_S = 20.0
"""How long a body may take: 64 KiB at the pace of the slowest phone, and less than a server that ends waits."""
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
SECURITY_HEADERS: Fields = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
HSTS = (b"strict-transport-security", b"max-age=31536000")
_HOST = re.compile(rb"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_HOSTS_KEPT = 32
NOBODY = Proxies()
_BODILESS = (204, 304)
_log = logging.getLogger("tallystick.web")


class _Gone(Exception):
    """The client went away before its request was whole."""


class _Unclear(InvalidRequest):
    """Where the request ends is not clear."""


def _as_it_is(scope: Scope, reply: Reply) -> Reply:
    return reply


class Edge:
    """An ASGI app of a table.

    Args:
        table: path → method → handler; GET answers HEAD too.
        issuer: its host is served; on http, which is development, every name of the loopback too.
        lifespan: answers the lifespan when nothing is around this app.
        proxies: whose forwarded headers are believed.
        as_page: makes a page of an error that a person's browser is told.
        any_host: paths that are served whatever Host is named, because their handlers look at it themselves.
        answered: called with each answer.
    """

    def __init__(
        self,
        table: Table,
        issuer: str,
        lifespan: ASGIApp,
        *,
        proxies: Proxies = NOBODY,
        as_page: Callable[[Scope, Reply], Reply] = _as_it_is,
        any_host: Collection[str] = (),
        answered: Answered | None = None,
    ) -> None:
        self._as_page = as_page
        self._table = {path: _with_head(methods) for path, methods in table.items()}
        self._lifespan = lifespan
        self._proxies = proxies
        self._any_host, self._answered = frozenset(any_host), answered
        self._issuer = parts = urlsplit(issuer)
        host = parts.netloc.rpartition("@")[2].lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        self._names = {name} | (LOCAL_HOSTS if parts.scheme == "http" else frozenset())
        self._hosts: set[bytes] = set()
        self._headers = SECURITY_HEADERS + ((HSTS,) if parts.scheme == "https" else ())
        self._process = secrets.token_hex(4)
        self._counter = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; every error becomes an answer, and none but ours says a word."""
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        name, begun = f"{self._process}-{next(self._counter):x}", perf_counter()
        try:
            fields, repeated = self._checked(scope)
            if self._proxies:
                scope = self._through(scope)
            handler = self._handler(scope)
            body = await _in_time(receive) if _has_body(fields) else await _whole(receive)
            call = Call(scope, fields, repeated, body)
            asked_now()
            with acting_as(network=call.network, request=name):
                reply = await handler(call)
        except _Gone:
            return
        except asyncio.CancelledError:
            # The server stops, and this request took longer than it waits: whoever asked may ask again.
            reply = _refusal(scope, Unavailable("the server stops"))
        except Exception as error:  # noqa: BLE001  (whatever went wrong, the client gets an answer and the log a line)
            _tell(error, name)
            moved = self._to_https(scope) if isinstance(error, PlainHttp) else None
            reply = moved or _refusal(scope, error)
        status, sent, content = reply if reply.status < 400 else self._as_page(scope, reply)
        if self._answered is not None:
            self._answered(scope, name, status, perf_counter() - begun)
        length = () if status in _BODILESS else ((b"content-length", b"%d" % len(content)),)
        own = {field for field, _ in sent}
        headers = [
            *sent,
            *length,
            *(one for one in self._headers if one[0] not in own),
            (b"x-request-id", name.encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            await self._lifespan(scope, receive, send)

    def _to_https(self, scope: Scope) -> Reply | None:
        """Sends a person's browser to https; programs are refused, so that nobody goes on sending secrets in the clear."""
        wanted = dict(scope["headers"]).get(b"accept", b"")
        if scope["method"] not in ("GET", "HEAD") or b"text/html" not in wanted:
            return None
        where = f"https://{self._issuer.netloc}".encode() + scope.get("raw_path", scope["path"].encode())
        query = scope.get("query_string", b"")
        return Reply(308, ((b"location", where + (b"?" + query if query else b"")), *NO_STORE))

    def _checked(self, scope: Scope) -> tuple[dict[bytes, bytes], set[bytes]]:
        given = scope["headers"]
        fields: dict[bytes, bytes] = dict(given)
        repeated: set[bytes] = set()
        if len(fields) != len(given):
            repeated = {name for name, times in Counter(name for name, _ in given).items() if times > 1}
        host = fields.get(b"host")
        # RFC 9112 section 3.2: exactly one Host.
        if host is None or b"host" in repeated:
            raise InvalidRequest("no Host header, or several")
        if host not in self._hosts:
            self._learn(host, any_host=scope["path"] in self._any_host)
        # RFC 9112 section 6.1: whatever two readers could understand differently is refused, not repaired.
        if b"transfer-encoding" in fields and (
            fields[b"transfer-encoding"].lower() != b"chunked"
            or b"content-length" in fields
            or b"transfer-encoding" in repeated
            or scope.get("http_version") == "1.0"
        ):
            raise _Unclear("a Transfer-Encoding that is not chunked alone", public="The body has no clear end.")
        length = fields.get(b"content-length")
        if b"content-length" in repeated:
            raise _Unclear("several Content-Length", public="The body has no clear end.")
        if length is not None and not (len(length) < 10 and length.isdigit() and int(length) <= BODY_LIMIT):
            raise BodyTooLarge("the Content-Length is over the limit")
        return fields, repeated

    def _learn(self, host: bytes, *, any_host: bool) -> None:
        found = _HOST.fullmatch(host)
        if found is None:
            raise InvalidRequest("the Host header is malformed")
        if any_host:
            return
        self._demand_ours(found[1].decode())
        if len(self._hosts) < _HOSTS_KEPT:
            self._hosts.add(host)

    def _demand_ours(self, host: str) -> None:
        if host.lower() not in self._names:
            raise UnknownHost("another host")

    def _through(self, scope: Scope) -> Scope:
        """Puts the client in the place of a listed proxy; what that says of scheme and host is only compared."""
        peer = scope.get("client")
        if not peer:
            return scope
        origin = self._proxies.origin(peer[0], scope["headers"])
        if origin.host is not None:
            found = _HOST.fullmatch(origin.host.encode("latin-1"))
            self._demand_ours(found[1].decode() if found else "")
        if origin.scheme is Scheme.HTTP and self._issuer.scheme == "https":
            raise PlainHttp("a proxy took it in over plain http")
        return {**scope, "client": (origin.address, 0)} if origin.address != peer[0] else scope

    def _handler(self, scope: Scope) -> Handler:
        path, root = scope["path"], scope.get("root_path")
        if root and path.startswith(root):
            path = path[len(root) :]
        methods = self._table.get(path)
        if methods is None:
            raise NotFound("no such path")
        handler = methods.get(scope["method"])
        if handler is None:
            raise MethodNotAllowed("no handler for this method", allow=", ".join(sorted(methods)))
        return handler


def _with_head(methods: Mapping[str, Handler]) -> dict[str, Handler]:
    return {**methods, **({"HEAD": methods["GET"]} if "GET" in methods else {})}


def _has_body(fields: Mapping[bytes, bytes]) -> bool:
    # RFC 9112 section 6.3: a request has a body if one of these says so.
    return b"content-length" in fields or b"transfer-encoding" in fields


async def _in_time(receive: Receive) -> bytes:
    try:
        async with asyncio.timeout(BODY_WAIT_S):
            return await _whole(receive)
    except TimeoutError:
        raise BodyTooSlow("the body did not arrive in time") from None


async def _whole(receive: Receive) -> bytes:
    chunks, length = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _Gone
        chunk = message.get("body", b"")
        length += len(chunk)
        if length > BODY_LIMIT:
            raise BodyTooLarge("the body is over the limit")
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks) if len(chunks) > 1 else chunk


def _refusal(scope: Scope, error: Exception) -> Reply:
    answer = response_of(error)
    fields = tuple(
        (name.lower().encode(), value.encode()) for name, value in answer.headers.items() if name != "Cache-Control"
    )
    # What was not read of the body must not be taken for the next request.
    closing = isinstance(error, BodyTooLarge | BodyTooSlow | PlainHttp | _Unclear) and scope.get(
        "http_version", "1.1"
    ).startswith("1")
    return json_reply(answer.body, answer.status, (*fields, (b"connection", b"close")) if closing else fields)


def _tell(error: Exception, request: str) -> None:
    if not isinstance(error, TallystickError):
        # The text of a foreign exception may hold what a client sent, so only its type and its frames are logged.
        frames = "".join(traceback.format_tb(error.__traceback__))
        _log.error("request %s failed with %s\n%s", request, type(error).__name__, frames)
    elif response_of(error).status >= 500:
        _log.warning("request %s: %s", request, error)
