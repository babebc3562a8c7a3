"""Clients that hold connections open: they cost little, end in bounded time, and keep nobody from signing in."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Browser, Server, create_account
from tests.support.raw import SIGN_IN_S, closed_within, connect, everything, exchange, is_open, statuses

pytestmark = pytest.mark.process

HEAD = b"POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with an account."""
    folder = tmp_path_factory.mktemp("slow")
    with Server(folder) as running:
        create_account(folder)
        yield running


def memory_kib(server: Server) -> int:
    """Gives the resident memory of the server."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def open_slow(port: int, count: int) -> list[socket.socket]:
    """Opens connections: a third says nothing, a third sends half of a head, a third half of a body."""
    lines = []
    for number in range(count):
        line = connect(port)
        if number % 3 == 1:
            line.sendall(HEAD)
        elif number % 3 == 2:
            line.sendall(HEAD + b'Content-Length: 60000\r\n\r\n{"email":')
        lines.append(line)
    return lines


def test_hundreds_of_slow_connections_do_not_stop_a_sign_in(server: Server) -> None:
    """While 300 connections send nothing, half a head or half a body, and a byte now and then, a person signs in at once."""
    before = memory_kib(server)
    lines = open_slow(server.port, 300)
    for _ in range(3):
        for line in lines[1::3]:
            line.sendall(b"X-A: b\r\n")
        for line in lines[2::3]:
            line.sendall(b" ")
        begun = time.monotonic()
        assert Browser(server.port).sign_in().status == 200
        assert time.monotonic() - begun < SIGN_IN_S
    assert memory_kib(server) - before < 64 * 1024
    for line in lines:
        line.close()


def test_a_head_has_a_deadline_that_no_byte_moves(server: Server) -> None:
    """A head that trickles in is answered with 408 after ten seconds, a silent connection is closed, a body gets 408."""
    silent, trickle, body = (connect(server.port) for _ in range(3))
    trickle.sendall(HEAD)
    body.sendall(HEAD + b"Content-Length: 60000\r\n\r\n{")
    begun = time.monotonic()
    while time.monotonic() - begun < 14 and is_open(silent):
        for line in (trickle, body):
            try:
                line.setblocking(True)
                line.sendall(b"X: y\r\n" if line is trickle else b" ")
            except OSError:
                break
        time.sleep(0.5)
    assert 8 < time.monotonic() - begun < 14
    assert closed_within([silent, trickle], 3)
    body.settimeout(30)
    assert statuses(everything(body)) == [408]
    assert time.monotonic() - begun < 25
    for line in (silent, trickle, body):
        line.close()


def test_a_body_that_nobody_reads_cannot_trickle_for_ever(server: Server) -> None:
    """After the answer to a request whose body is still coming, the rest has ten seconds."""
    with connect(server.port) as line:
        line.sendall(b"PUT /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n")
        begun = time.monotonic()
        while is_open(line) and time.monotonic() - begun < 20:
            line.setblocking(True)
            line.sendall(b"x")
            time.sleep(0.5)
        assert 8 < time.monotonic() - begun < 14


def test_a_head_that_is_too_long_is_refused(server: Server) -> None:
    """More than 32 KiB of head or 100 headers get 431, in one piece as in many, and memory stays."""
    before = memory_kib(server)
    long = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 40_000 + b"\r\n\r\n"
    many = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 120 + b"\r\n"
    path = b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for raw in (long, many, path):
        assert statuses(exchange(server.port, raw)) == [431]
    with connect(server.port) as line:
        try:
            for _ in range(20_000):
                line.sendall(
                    b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" if _ == 0 else b"X: " + b"a" * 1000 + b"\r\n"
                )
        except OSError:
            pass
        else:
            raise AssertionError("20 MB of headers were taken")
    fits = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: " + b"a" * 20_000 + b"\r\n\r\n"
    assert statuses(exchange(server.port, fits)) == [200]
    body = HEAD + b"Connection: close\r\nContent-Length: 60000\r\n\r\n" + b" " * 60_000
    assert statuses(exchange(server.port, body)) == [400]
    assert memory_kib(server) - before < 32 * 1024


def test_when_there_are_too_many_the_one_that_waits_longest_goes(tmp_path: Path) -> None:
    """With room for few connections, idle ones make place: a sign-in and those who are being answered are not disturbed."""

    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (208, 208))

    few_server = Server(tmp_path)
    few_server.limits = few
    with few_server as server:
        create_account(tmp_path)
        lines = open_slow(server.port, 150)
        begun = time.monotonic()
        ada = Browser(server.port)
        for _ in range(5):
            assert ada.sign_in().status == 200
        assert time.monotonic() - begun < SIGN_IN_S
        assert sum(is_open(line) for line in lines) < 150
        assert "are open" in server.log
        for line in lines:
            line.close()


def test_idle_clients_that_speak_now_and_then_are_kept(server: Server) -> None:
    """A connection that was answered stays open for its next request, longer than a head may take."""
    with connect(server.port) as line:
        for _ in range(2):
            line.setblocking(True)
            line.settimeout(10)
            line.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert line.recv(4096).startswith(b"HTTP/1.1 200")
            time.sleep(11)
            assert is_open(line)
