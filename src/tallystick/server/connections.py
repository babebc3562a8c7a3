"""Connections that are slow, or too many: each costs little, and none keeps the others from being served.

Theory of operation. A connection waits for its client in four states: it has sent nothing yet, it has sent a part of a
request's head, a part of a body, or it is between two requests. The first two have a deadline that no byte moves; a body
has its own, in the web room; the last has the longer one of keep-alive. Whoever has sent a whole request waits for us and is
never disturbed. When there are as many connections as may be, a new one is still taken in, and the one that has waited for its
client longest goes instead: so those who hold connections open without a word compete with each other, not with who signs
in. One address may hold an eighth of all, except a listed proxy, behind which many come. Where everybody is being answered,
which no slow client can bring about, the new one goes.

One timer per process looks at all deadlines, that of keep-alive included, for which uvicorn would set a timer after every
answer; that pays for what is counted here.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from collections import Counter
from collections.abc import Callable
from typing import Any, NoReturn

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

HEAD_S = 10.0
"""How long a connection may take to its first request's head, and a head from its first byte to its last."""
HEAD_BYTES_MAX = 32 * 1024
HEADERS_MAX = 100
PER_PEER = 8
"""One address may have this part of all connections: an eighth."""
CONNECTIONS_MAX = 8192
FILES_KEPT = 128
"""Descriptors that are left for the store, the log and what else a process opens."""
WAITING_TO_CLOSE_S = 10.0
TICK_S = 0.5
_log = logging.getLogger("tallystick.server")
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_BAD = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def connections_max() -> int:
    """Raises this process's limit of open files as far as it may, and gives how many connections that allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS_MAX
    if soft < wanted and soft != hard:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(16, min(CONNECTIONS_MAX, soft - FILES_KEPT))


class Connections:
    """All connections of a process, those that wait for their client in the order in which they began to.

    Args:
        is_proxy: tells whether an address is a listed proxy's.
        most: how many there may be.
    """

    def __init__(self, is_proxy: Callable[[str], bool], most: int | None = None) -> None:
        self._is_proxy = is_proxy
        self._most = connections_max() if most is None else most
        self._per_peer = max(8, self._most // PER_PEER)
        self._peers: Counter[str] = Counter()
        self._open = 0
        self.waiting: dict[Patient, float] = {}
        self._closing: dict[Patient, float] = {}
        self.evicted = 0
        """How many were closed because there were too many."""

    def opened(self, one: Patient, peer: str, now: float) -> None:
        """Takes in a connection; closes one that waits, if there are too many."""
        self._open += 1
        self._peers[peer] += 1
        self.waiting[one] = now
        if self._peers[peer] > self._per_peer and not self._is_proxy(peer):
            self._evict(next((other for other in self.waiting if other.peer == peer and other is not one), one))
        elif self._open > self._most:
            self._evict(next(iter(self.waiting)))

    def closed(self, one: Patient, peer: str) -> None:
        """Forgets a connection."""
        self._open -= 1
        self._peers[peer] -= 1
        if not self._peers[peer]:
            del self._peers[peer]
        self.waiting.pop(one, None)
        self._closing.pop(one, None)

    def _evict(self, one: Patient) -> None:
        if self.evicted % 1000 == 0:
            _log.warning("%d connections are open: those that wait for their client longest are closed", self._open)
        self.evicted += 1
        self.waiting.pop(one, None)
        one.transport.abort()

    def look(self, now: float) -> None:
        """Closes what has waited too long, and aborts what cannot be closed because its client does not read."""
        for one, since in list(self.waiting.items()):
            if now - since < HEAD_S:
                break
            if one.is_late(since, now):
                del self.waiting[one]
                one.give_up()
        for one, since in list(self._closing.items()):
            if now - since >= WAITING_TO_CLOSE_S:
                del self._closing[one]
                one.transport.abort()

    def closing(self, one: Patient, now: float) -> None:
        """Notes that a connection is being closed, so that it will not take for ever."""
        self.waiting.pop(one, None)
        self._closing.setdefault(one, now)

    async def watch(self) -> None:
        """Looks at the deadlines until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK_S)
            self.look(loop.time())


class Patient(HttpToolsProtocol):
    """One connection.

    Args:
        connections: where it is counted.
        config: uvicorn's.
        server_state: uvicorn's.
        app_state: uvicorn's.
        _loop: where it lives.
    """

    def __init__(
        self,
        connections: Connections,
        *,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._all = connections
        self.peer = ""
        self.head_since: float | None = None
        """When the head that is being read began, or the connection; None between requests."""
        self._head_bytes = 0
        self._in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Counts it."""
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        self.head_since = self.loop.time()
        self._all.opened(self, self.peer, self.head_since)

    def connection_lost(self, exc: Exception | None) -> None:
        """Counts it no more."""
        self._all.closed(self, self.peer)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads, within the limits of a head."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes and self._in_head:
            if self.head_since is None:
                self.head_since = self.loop.time()
            if self._head_bytes > HEAD_BYTES_MAX:
                self._refuse(_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Lets the request through, or refuses what no honest client sends."""
        # What was counted may have a part of the body in it, so a large count is looked at once more.
        long = self._head_bytes > HEAD_BYTES_MAX and self._size() > HEAD_BYTES_MAX
        self._in_head, self._head_bytes, self.head_since = False, 0, None
        if long or len(self.headers) > HEADERS_MAX:
            self._stop(_TOO_LARGE)
        # RFC 9112 section 3.2.2: the absolute form must name the host that the Host header names.
        if self.url[:1] != b"/" and self.url.partition(b"://")[2].partition(b"/")[0] != dict(self.headers).get(b"host"):
            self._stop(_BAD)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Begins to be answered, and to be ready for the next head."""
        self._in_head, self.head_since = True, None
        self._all.waiting.pop(self, None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Answers what came behind it, or waits for the client again; as uvicorn does, but for a timer of its own."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._all.closing(self, self.loop.time())
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        now, waiting = self.loop.time(), self._all.waiting
        waiting.pop(self, None)
        waiting[self] = now
        if not self._in_head:
            # It was answered before its body was whole; the rest, which nobody reads, has as long as a head.
            self.head_since = now

    def is_late(self, since: float, now: float) -> bool:
        """Tells whether it has waited too long for its client: for a head, or between two requests; a body is not ours."""
        if self.head_since is not None:
            return now - self.head_since >= HEAD_S
        return self._in_head and now - since >= self.timeout_keep_alive

    def send_400_response(self, msg: str) -> None:
        """Answers what is no HTTP, once."""
        self._refuse(_BAD)

    def _unsupported_upgrade_warning(self) -> None:
        # Who asks for an upgrade gets an ordinary answer, the last one (RFC 9110 section 7.8); nobody needs a warning.
        self.cycle.keep_alive = False

    def _size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def give_up(self) -> None:
        """Closes a connection whose head did not come in time; says so to who has sent a part of one."""
        if self._head_bytes:
            self._refuse(_TOO_SLOW)
        else:
            self.transport.close()
            self._all.closing(self, self.loop.time())

    def _refuse(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()
            self._all.closing(self, self.loop.time())

    def _stop(self, answer: bytes) -> NoReturn:
        self._refuse(answer)
        raise _Refused


class _Refused(Exception):
    """Stops the parser."""
