"""How the server starts, ends and comes back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.support.processes import Browser, Reply, Server, clean_environment, create_account, tallystick

pytestmark = pytest.mark.process
IN_FLIGHT = 6


def test_requests_in_flight_are_answered_before_it_ends(tmp_path: Path) -> None:
    """Asked to end, the server answers the sign-ins that it has begun, then ends with exit code 0."""
    server = Server(tmp_path).start()
    create_account(tmp_path)
    assert Browser(server.port).sign_in().status == 200
    replies: list[Reply] = []
    askers = [threading.Thread(target=lambda: replies.append(Browser(server.port).sign_in())) for _ in range(IN_FLIGHT)]
    for asker in askers:
        asker.start()
    time.sleep(0.03)
    code = server.stop()
    for asker in askers:
        asker.join()
    assert code == 0, server.log
    begun = [reply for reply in replies if reply.status]
    assert begun, "no request had begun when the server was told to end"
    assert {reply.status for reply in begun} <= {200, 503}
    assert all(reply.body for reply in begun)
    assert Browser(server.port).ask("GET", "/livez").status == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, workers: int) -> None:
    """Killed and started again, the server knows every session that it opened and none that it ended."""
    server = Server(tmp_path, "--workers", str(workers)).start()
    create_account(tmp_path)
    kept, ended = Browser(server.port), Browser(server.port)
    assert kept.sign_in().status == ended.sign_in().status == 200
    tokens = [str(one.ask("POST", "/session/access-token").body["access_token"]) for one in (kept, ended)]
    stolen = dict(ended.cookies)
    assert ended.ask("DELETE", "/session").status in (200, 204)
    ended.cookies = stolen
    server.kill()
    server.start()
    try:
        assert kept.ask("GET", "/session").status == 200
        assert ended.ask("GET", "/session").status == 401
        assert [kept.ask("GET", "/session", bearer=token).status for token in tokens] == [200, 401]
        done = tallystick(tmp_path, "session", "list", "--principal", "ada@example.com", "--json")
        assert len(json.loads(done.stdout)) == 1
    finally:
        assert server.stop() == 0, server.log


def test_a_follower_of_the_log_sees_endings_and_ends_cleanly(tmp_path: Path) -> None:
    """`log follow` prints an ending as soon as it is logged, and Ctrl-C ends it with exit code 0 and no complaint."""
    with Server(tmp_path) as server:
        create_account(tmp_path)
        ada = Browser(server.port)
        session = ada.sign_in().body["session"]["id"]
        follower = subprocess.Popen(
            [sys.executable, "-m", "tallystick.cli.main", "log", "follow"],
            cwd=tmp_path,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert follower.stderr is not None
        assert follower.stdout is not None
        assert follower.stderr.readline().startswith("following from ")
        assert ada.ask("DELETE", "/session").status in (200, 204)
        entry = json.loads(follower.stdout.readline())
        assert (entry["kind"], entry["name"]) == ("session", session)
        follower.send_signal(signal.SIGINT)
        rest, complaints = follower.communicate(timeout=20)
        assert (follower.returncode, rest, complaints) == (0, "", "")


def test_a_follower_whose_reader_goes_away_ends_cleanly(tmp_path: Path) -> None:
    """`log follow | head -1` ends when head does, with exit code 0 and no complaint."""
    with Server(tmp_path) as server:
        create_account(tmp_path)
        ada = Browser(server.port)
        for _ in range(3):
            assert ada.sign_in().status == 200
            assert ada.ask("DELETE", "/session").status in (200, 204)
        command = f"{sys.executable} -m tallystick.cli.main log follow --no-wait; echo $? >&2"
        done = subprocess.run(
            ["bash", "-c", f"{{ {command}; }} | true"],
            cwd=tmp_path,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.stderr.splitlines()[-1] == "0"
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_a_second_server_on_the_same_port_says_why_it_cannot(tmp_path: Path) -> None:
    """A port that is taken is one line on stderr and exit code 3, not a traceback."""
    with Server(tmp_path) as server:
        other = tmp_path / "other"
        other.mkdir()
        done = tallystick(other, "serve", "--port", str(server.port))
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
