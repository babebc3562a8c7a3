"""Raw sockets to a server: requests as they stand in a corpus, and connections that are kept slow on purpose."""

from __future__ import annotations

import contextlib
import socket
import time

from tests.support.processes import ADDRESS

SIGN_IN_S = 5.0


def connect(port: int, timeout_s: float = 20) -> socket.socket:
    """Opens a connection."""
    return socket.create_connection((ADDRESS, port), timeout=timeout_s)


def everything(line: socket.socket) -> bytes:
    """Reads until the other side closes."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := line.recv(65536):
            found += chunk
    return found


def exchange(port: int, raw: bytes, timeout_s: float = 20) -> bytes:
    """Sends bytes and gives everything that comes back until the other side closes."""
    with connect(port, timeout_s) as line:
        line.sendall(raw)
        return everything(line)


def statuses(answer: bytes) -> list[int]:
    """Gives the status of each answer in a stream of them."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def is_open(line: socket.socket) -> bool:
    """Tells whether the other side has not closed a connection; what it sent is thrown away."""
    line.setblocking(False)
    try:
        while line.recv(65536):
            pass
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def closed_within(lines: list[socket.socket], within_s: float) -> bool:
    """Tells whether the other side closes all of some connections in time."""
    deadline = time.monotonic() + within_s
    while any(is_open(line) for line in lines):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
