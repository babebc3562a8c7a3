"""The server as a process: its port, its address, its workers, its end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.processes import PASSWORD, Browser, Server, clean_environment, create_account, tallystick

pytestmark = pytest.mark.process


def alive(pid: int) -> bool:
    """Tells whether a process is there and not only waiting to be collected."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def children(pid: int) -> list[int]:
    """Gives the processes that a process started and that serve."""
    entries = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in entries if "spawn_main" in Path(f"/proc/{one}/cmdline").read_text()]


def until(what: object, *, within_s: float = 15) -> None:
    """Waits until something holds."""
    deadline = time.monotonic() + within_s
    assert callable(what)
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_forwarded_addresses_are_not_believed(tmp_path: Path) -> None:
    """Who guesses passwords cannot hide behind an X-Forwarded-For of their own, even from the server's own machine."""
    with Server(tmp_path) as server:
        create_account(tmp_path)
        statuses = []
        for number in range(20):
            with socket.create_connection(("127.0.0.1", server.port)) as line:
                body = b'{"email": "ada@example.com", "password": "wrong wrong wrong"}'
                line.sendall(
                    b"POST /session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
                    b"X-Forwarded-For: 198.51.100.%d\r\nForwarded: for=198.51.100.%d\r\nContent-Length: %d\r\n\r\n%b"
                    % (number, number, len(body), body)
                )
                statuses.append(int(line.recv(64).split()[1]))
    assert 429 in statuses
    assert set(statuses) == {401, 429}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--issuer", "http://notes.example"), "https"),
        (("--issuer", "https://notes.example/"), "slash"),
        (("--store", "mysql://x"), "mysql"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_served(
    tmp_path: Path, arguments: tuple[str, ...], word: str
) -> None:
    """Plain http for a host that is not this machine, or a store that does not exist: one line and exit code 2."""
    done = tallystick(tmp_path, "serve", "--port", "0", *arguments)
    assert done.returncode == 2, done.stderr
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_any_free_port_is_told(tmp_path: Path) -> None:
    """With port 0 the issuer has the port that was really bound."""
    log = tmp_path / "serve.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "tallystick.cli.main", "serve", "--port", "0"],
            cwd=tmp_path,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
        )
        try:
            until(lambda: "is served on 127.0.0.1 port " in log.read_text())
            port = int(log.read_text().rpartition("port ")[2].split()[0])
            document = Browser(port).ask("GET", "/.well-known/oauth-authorization-server").body
            assert document["issuer"] == f"http://localhost:{port}"
        finally:
            process.terminate()
            assert process.wait(20) == 0


def test_while_it_drains_it_serves_on_but_is_not_ready(tmp_path: Path) -> None:
    """Told to end with a time to drain, it withdraws readiness first, answers until then, and ends with 0."""
    server = Server(tmp_path, environment={"TALLYSTICK_DRAIN_S": "2"}).start()
    create_account(tmp_path)
    server.signal(signal.SIGTERM)
    ada = Browser(server.port)
    until(lambda: ada.ask("GET", "/readyz").status == 503, within_s=1.5)
    assert ada.ask("GET", "/livez").status == 200
    assert ada.sign_in(password=PASSWORD).status == 200
    assert server.stop() == 0, server.log


def test_a_worker_that_dies_is_replaced_and_all_end_together(tmp_path: Path) -> None:
    """With two workers a killed one comes back; SIGTERM to the parent ends both, with exit code 0."""
    server = Server(tmp_path, "--workers", "2").start()
    assert server.process is not None
    pid = server.process.pid
    until(lambda: len(children(pid)) == 2)
    time.sleep(5)  # a worker that dies sooner than this would end the server: it would die again
    victim, survivor = children(pid)
    os.kill(victim, signal.SIGKILL)
    until(lambda: len(children(pid)) == 2 and victim not in children(pid))
    assert survivor in children(pid)
    assert {Browser(server.port).ask("GET", "/readyz").status for _ in range(8)} == {200}
    workers = children(pid)
    assert server.stop() == 0, server.log
    assert not [worker for worker in workers if alive(worker)]


def test_workers_do_not_outlive_their_parent(tmp_path: Path) -> None:
    """When the parent is killed, its workers notice and end by themselves."""
    server = Server(tmp_path, "--workers", "2").start()
    assert server.process is not None
    workers = children(server.process.pid)
    assert workers
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    until(lambda: not [worker for worker in workers if alive(worker)])


def test_a_store_that_cannot_be_opened_ends_the_server(tmp_path: Path) -> None:
    """A store of another issuer is refused with one line, by one worker as by two."""
    with Server(tmp_path):
        pass
    for workers in ("1", "2"):
        done = tallystick(tmp_path, "serve", "--port", "0", "--workers", workers)
        assert done.returncode == 2, done.stderr
        assert "belongs to the issuer" in done.stderr
        assert "Traceback" not in done.stderr
