"""A reverse proxy that does its work well unless it is told to misbehave: one thread a connection, HTTP/1.1."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from types import TracebackType
from typing import Any, Self

ADDRESS = "127.0.0.1"
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "content-length"}
Pairs = list[tuple[str, str]]


@dataclass(slots=True)
class Habits:
    """How the proxy behaves; the defaults are what it should do.

    Args:
        client: whom it says that it asks for; by default the truth.
        forwarded_for: `replace` writes the client's address, `append` adds it, `pass` passes on what came, `none` drops.
        proto: what X-Forwarded-Proto says; by default the truth; empty for no header.
        host: what Host says; by default what came.
        drops: request headers that it drops, in lower case.
        answer: changes the headers of an answer, given the path.
        status: answers paths by itself instead of asking.
        keeps: paths of which it keeps the first answer for ever.
    """

    client: str = ""
    forwarded_for: str = "replace"
    proto: str | None = None
    host: str | None = None
    drops: frozenset[str] = frozenset()
    answer: Callable[[str, Pairs], Pairs] = lambda path, pairs: pairs
    status: dict[str, int] = field(default_factory=dict)
    keeps: frozenset[str] = frozenset()


class Proxy:
    """A proxy in front of servers on the loopback, on a port of its own.

    Args:
        context: of TLS; plain http without.
        habits: how it behaves; may be changed while it runs.
    """

    def __init__(self, context: ssl.SSLContext | None = None, habits: Habits | None = None) -> None:
        self.habits = habits or Habits()
        self.tls = context is not None
        self._kept: dict[str, tuple[int, Pairs, bytes]] = {}
        self._server = ThreadingHTTPServer((ADDRESS, 0), self._handler())
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self.url = f"{'https' if self.tls else 'http'}://localhost:{self.port}"
        self._ports = cycle([0])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def to(self, *ports: int) -> Self:
        """Names the servers that are asked by turns."""
        self._ports = cycle(ports)
        return self

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_GET(self) -> None:
                proxy._pass_on(self)

            do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815

            def log_message(self, *args: Any) -> None:
                """Says nothing."""

            def send_response(self, code: int, message: str | None = None) -> None:
                self.send_response_only(code, message)

        return Handler

    def _pass_on(self, request: BaseHTTPRequestHandler) -> None:
        habits, path = self.habits, request.path
        body = request.rfile.read(int(request.headers.get("content-length", 0)))
        if path in habits.status:
            status, pairs, content = habits.status[path], [("Date", request.date_time_string())], b""
        elif path in self._kept:
            status, pairs, content = self._kept[path]
        else:
            status, pairs, content = self._ask(request, body)
            if path in habits.keeps:
                self._kept[path] = (status, pairs, content)
        request.send_response(status)
        for name, value in habits.answer(path, pairs):
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _ask(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, Pairs, bytes]:
        habits = self.habits
        connection = HTTPConnection(ADDRESS, next(self._ports), timeout=10)
        try:
            connection.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self._headers(request):
                connection.putheader(name, value)
            connection.putheader("Host", habits.host or request.headers["host"])
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            content = response.read()
            pairs = [(name, value) for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP]
            return response.status, pairs, content
        finally:
            connection.close()

    def _headers(self, request: BaseHTTPRequestHandler) -> Pairs:
        habits = self.habits
        client = habits.client or request.client_address[0]
        ours = {"host", "x-forwarded-for", "x-forwarded-proto", "forwarded", "x-real-ip"}
        left_alone = _HOP_BY_HOP | habits.drops | (ours if habits.forwarded_for != "pass" else {"host"})
        pairs = [(name, value) for name, value in request.headers.items() if name.lower() not in left_alone]
        came = request.headers.get("x-forwarded-for", "")
        if habits.forwarded_for == "append":
            pairs.append(("X-Forwarded-For", f"{came}, {client}" if came else client))
        elif habits.forwarded_for == "replace":
            pairs.append(("X-Forwarded-For", client))
        proto = habits.proto if habits.proto is not None else ("https" if self.tls else "http")
        if proto and habits.forwarded_for != "none":
            pairs.append(("X-Forwarded-Proto", proto))
        return pairs
