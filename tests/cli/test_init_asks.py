"""`tallystick init` on a terminal: it asks for what was not said."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.processes import PASSWORD, clean_environment, tallystick

pytestmark = pytest.mark.process
WAIT_S = 30.0


def typed(folder: Path, answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Runs `tallystick init` on a terminal, types each answer when its question is seen; gives exit code and screen."""
    try:
        ours, theirs = pty.openpty()
    except OSError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"this machine has no pseudo-terminals: {error}")
    process = subprocess.Popen(
        [sys.executable, "-m", "tallystick.cli.main", "init"],
        cwd=folder, env=clean_environment(), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    screen, left, deadline = "", list(answers), time.monotonic() + WAIT_S
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 0.2)[0]:
                continue
            try:
                seen = os.read(ours, 4096)
            except OSError:
                break
            if not seen:
                break
            screen += seen.decode(errors="replace")
            if left and left[0][0] in screen:
                os.write(ours, f"{left.pop(0)[1]}\n".encode())
        return process.wait(WAIT_S), screen
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_it_asks_and_never_shows_the_password(tmp_path: Path) -> None:
    """On a terminal it asks for issuer, address and password, twice and unseen, and makes everything."""
    code, screen = typed(
        tmp_path,
        [
            ("URL under which", "https://auth.example"),
            ("first administrator", "ada@example.com"),
            ("Password:", PASSWORD),
            ("Repeat for confirmation", PASSWORD),
        ],
    )
    assert code == 0, screen
    assert PASSWORD not in screen
    assert "made the administrator ada@example.com" in screen
    assert 'issuer = "https://auth.example"' in (tmp_path / "tallystick.toml").read_text()
    assert "tallystick:admin" in tallystick(tmp_path, "account", "list").stdout


def test_an_empty_answer_takes_what_is_offered(tmp_path: Path) -> None:
    """Whoever only presses Enter gets a server on localhost without an administrator, and is told how to make one."""
    code, screen = typed(tmp_path, [("URL under which", ""), ("first administrator", "")])
    assert code == 0, screen
    assert "# issuer = " in (tmp_path / "tallystick.toml").read_text()
    assert "account create" in screen
