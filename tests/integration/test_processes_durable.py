"""An answer leaves only after what it says lies on the disk: seen from outside, by the system calls."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import Browser, Server, clean_environment, create_account, create_client
from tests.support.tracing import between, strace_words

pytestmark = pytest.mark.process
WAL = ".db-wal"


def test_a_rotation_and_a_revocation_are_on_the_disk_before_the_answer(tmp_path: Path) -> None:
    """Between a refresh or a sign-out and its answer, the server syncs the database's journal at least once."""
    trace = tmp_path / "trace"
    with Server(tmp_path, wrapper=strace_words(trace)) as server:
        create_account(tmp_path)
        client = create_client(tmp_path, "phone", "--kind", "native", "--first-party")["client_id"]
        ada = Browser(server.port)
        assert ada.sign_in().status == 200
        token = str(ada.sign_in_app(client).body["refresh_token"])
        assert ada.refresh(token, client).status == 200
        signed_out = ada.ask("DELETE", "/session").status
        assert signed_out in (200, 204)
    seen = trace.read_text(errors="replace")
    rotation = between(seen, "POST /oauth/token", "HTTP/1.1 200")
    assert rotation.begun
    assert rotation.ended
    assert any(path.endswith(WAL) for path in rotation.synced)
    revocation = between(seen, "DELETE /session", f"HTTP/1.1 {signed_out}")
    assert revocation.begun
    assert revocation.ended
    assert any(path.endswith(WAL) for path in revocation.synced)


def test_a_client_is_on_the_disk_before_its_secret_is_shown(tmp_path: Path) -> None:
    """Before the command prints a client's secret, it syncs the database's journal at least once."""
    create_account(tmp_path)
    trace = tmp_path / "trace"
    words = [sys.executable, "-m", "tallystick.cli.main", "client", "create", "importer", "--kind", "service", "--json"]
    done = subprocess.run(
        [*strace_words(trace), *words],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    shown = between(trace.read_text(errors="replace"), "", json.loads(done.stdout)["client_id"])
    assert shown.ended
    assert any(path.endswith(WAL) for path in shown.synced)


def test_an_answer_without_a_sync_is_found() -> None:
    """The reader of traces sees a sync that is missing, one that has not ended yet, and one of another file."""
    request, answer = '7 recvfrom(9<s>, "POST /x", 9) = 9\n', '7 sendto(9<s>, "HTTP/1.1 200", 9) = 9\n'
    assert between(request + answer, "POST /x", "HTTP/1.1 200").synced == ()
    begun = "8 fdatasync(3</a/t.db-wal> <unfinished ...>\n"
    assert between(request + begun + answer, "POST /x", "HTTP/1.1 200").synced == ()
    resumed = "8 <... fdatasync resumed>) = 0\n"
    assert between(request + begun + resumed + answer, "POST /x", "HTTP/1.1 200").synced == ("/a/t.db-wal",)
    at_once = "8 fsync(3</a/other>)   = 0\n"
    assert between(request + at_once + answer, "POST /x", "HTTP/1.1 200").synced == ("/a/other",)
    assert not between(request, "POST /x", "HTTP/1.1 200").ended
    assert not between(answer, "POST /x", "HTTP/1.1 200").begun
