"""A cheap keep-alive HTTP client that runs as a process of its own, so that its CPU time counts for nobody.

`python -m benchmarks.load` reads a plan, one line of JSON, then one number per line: so many requests are sent over the
connections, as fast as the answers come, and one line of JSON tells how it went. `Load` is the other end of that pipe.

A plan is either a list of requests, sent round and round, or chains of refresh tokens: each answer gives the token of the
next request of that chain.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import uvloop

from benchmarks.processes import PYTHON, ROOT, stop

FORM = "application/x-www-form-urlencoded"


class LoadFailed(Exception):
    """A server gave another answer than it should; the message holds the beginning of it."""


def request(
    method: str, path: str, port: int, headers: Mapping[str, str] | None = None, body: str = "", kind: str = FORM
) -> str:
    """Writes an HTTP/1.1 request as text."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{port}", "Accept: application/json"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body])


class Load:
    """A load generator that runs.

    Args:
        process: the generator, both of whose pipes are open.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def send(self, requests: int) -> float:
        """Has so many requests sent and answered; gives the seconds of the wall clock that it took.

        Raises:
            LoadFailed: an answer was not the expected one.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"%d\n" % requests)
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline() or b'{"failed": "the load generator left"}')
        if "failed" in told:
            raise LoadFailed(told["failed"])
        return float(told["seconds"])


@contextmanager
def repeating(
    port: int, requests: Sequence[str], connections: int, expect: int = 200, *, awake: bool = True
) -> Iterator[Load]:
    """Runs a generator that sends requests round and round.

    Args:
        port: of the server.
        requests: what to send, as `request` writes it.
        connections: how many at once.
        expect: the status that every answer must have.
        awake: never sleep during a round, so that the server is not charged for waking this process. Not where the
            server needs every core.
    """
    plan = {"port": port, "connections": connections, "expect": expect, "awake": awake}
    with _started({**plan, "requests": list(requests)}) as load:
        yield load


@contextmanager
def refreshing(port: int, path: str, client: str, tokens: Sequence[str], connections: int) -> Iterator[Load]:
    """Runs a generator that trades refresh tokens of a public client, each for the next one of its chain.

    Args:
        port: of the server.
        path: of the token endpoint.
        client: the `client_id`.
        tokens: the first token of each chain; at least as many as connections, since no chain is used twice at once.
        connections: how many at once.
    """
    head = request("POST", path, port)[:-2]
    plan = {"port": port, "connections": connections, "expect": 200, "awake": True, "head": head, "client": client}
    with _started({**plan, "tokens": list(tokens)}) as load:
        yield load


@contextmanager
def _started(plan: Mapping[str, Any]) -> Iterator[Load]:
    process = subprocess.Popen(
        [PYTHON, "-m", "benchmarks.load"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(plan).encode() + b"\n")
        process.stdin.flush()
        yield Load(process)
    finally:
        stop(process)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


class _Requests:
    """What to send next, and what an answer changes about it."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self._client = plan.get("client", "")
        self._head = plan.get("head", "")
        self._waiting = deque(plan.get("tokens") or [text.encode() for text in plan["requests"]])
        self._chained = "tokens" in plan

    def take(self) -> bytes:
        if not self._chained:
            self._waiting.rotate(-1)
            return self._waiting[-1]
        token = self._waiting.popleft()
        body = urlencode({"grant_type": "refresh_token", "client_id": self._client, "refresh_token": token})
        return f"{self._head}Content-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()

    def answered(self, body: bytes) -> None:
        if self._chained:
            self._waiting.append(json.loads(body)["refresh_token"])


class _Round:
    """So many requests over some connections."""

    def __init__(self, requests: _Requests, count: int, expect: int) -> None:
        self.requests = requests
        self.left = count
        self.unanswered = count
        self.expect = expect
        self.status = b"HTTP/1.1 %d " % expect
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def stay_awake(self) -> None:
        """Keeps this process from sleeping until the round is over.

        To wake a sleeping process costs CPU time that the kernel puts on the account of whoever sends to it: here the
        server, which would pay for a client on the same machine that it does not have elsewhere.
        """
        if not self.done.done():
            asyncio.get_running_loop().call_soon(self.stay_awake)

    def fail(self, words: str) -> None:
        if not self.done.done():
            self.done.set_exception(LoadFailed(words))


class _Connection(asyncio.Protocol):
    """One connection: sends a request, reads its answer, and so on."""

    def __init__(self, current: _Round) -> None:
        self._round = current
        self._got = b""
        self._end = 0
        self._body = 0

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.Transport = transport

    def next(self) -> None:
        if self._round.left:
            self._round.left -= 1
            self._transport.write(self._round.requests.take())

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self._end:
            self._body = self._got.find(b"\r\n\r\n") + 4
            if self._body == 3:
                return
            head = self._got[: self._body].lower()
            at = head.find(b"\r\ncontent-length:")
            if not self._got.startswith(self._round.status) or (at < 0 and self._round.expect != 204):
                self._round.fail(self._got[:600].decode(errors="replace"))
                return
            self._end = self._body + (int(head[at + 17 : head.index(b"\r", at + 17)]) if at > 0 else 0)
        if len(self._got) >= self._end:
            body, self._got, self._end = self._got[self._body : self._end], b"", 0
            self._round.requests.answered(body)
            self._round.unanswered -= 1
            if self._round.unanswered == 0 and not self._round.done.done():
                self._round.done.set_result(None)
            self.next()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._round.unanswered:
            self._round.fail(f"the server closed a connection ({exc})")


async def _run(plan: Mapping[str, Any], requests: _Requests, count: int) -> float:
    loop = asyncio.get_running_loop()
    current = _Round(requests, count, plan["expect"])
    opened = [
        await loop.create_connection(lambda: _Connection(current), "127.0.0.1", plan["port"])
        for _ in range(min(plan["connections"], count))
    ]
    try:
        begun = loop.time()
        for _, connection in opened:
            connection.next()
        if plan["awake"]:
            current.stay_awake()
        await asyncio.wait_for(current.done, 120)
        return loop.time() - begun
    finally:
        for transport, _ in opened:
            transport.close()


async def _serve() -> None:
    plan = json.loads(sys.stdin.readline())
    requests = _Requests(plan)
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            told: dict[str, Any] = {"seconds": await _run(plan, requests, int(line))}
        except (LoadFailed, OSError, TimeoutError) as failed:
            told = {"failed": str(failed) or type(failed).__name__}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    uvloop.run(_serve())
