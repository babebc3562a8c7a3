"""The quick start of the front page, typed as it stands."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.docs.pages import ROOT, Block, blocks
from tests.support.processes import clean_environment

COMMAND = Path(sys.executable).with_name("tallystick")
README = ROOT / "README.md"
SHELL = [block for block in blocks(README, README.read_text()) if block.language == "sh" and block.runnable]
START_S = 30.0


def wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Returns when the server says that it is ready; fails with its words when it ends or takes too long."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with urlopen(f"{url}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    pytest.fail(f"the server did not become ready\n{log.read_text()}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A server without any configuration in an empty folder; gives its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "serve.log"
    with log.open("wb") as words:
        process = subprocess.Popen(
            [COMMAND, "serve", "--port", str(port)], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=words, stderr=words
        )
        try:
            wait_until_ready(f"http://localhost:{port}", process, log)
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def test_every_block_of_the_front_page_is_run() -> None:
    """The front page has a quick start and one more shell block that tests run; its Python runs too; the rest starts it."""
    assert len(SHELL) == 2
    left = [block for block in blocks(README, README.read_text()) if not block.runnable]
    assert [(block.language, block.text) for block in left if block.language != "text"] == [("sh", "make run\n")]


@pytest.mark.process
def test_the_commands_of_the_front_page_work(tmp_path: Path) -> None:
    """Founding a set-up, asking the doctor and making a client work as they stand, in an empty folder."""
    environment = clean_environment(PATH=f"{COMMAND.parent}:/usr/bin:/bin")
    done = subprocess.run(
        ["bash", "-eu", "-c", SHELL[1].text],
        cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    words = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, words
    assert "tallystick.toml:" in done.stdout, words
    assert '"client_id"' in done.stdout, words
    assert "sound: " in done.stderr, words


@pytest.mark.process
@pytest.mark.parametrize("block", SHELL[:1], ids=lambda block: block.name)
def test_the_quick_start_does_what_it_says(block: Block, server: str, tmp_path: Path) -> None:
    """Typing the quick start signs in, mints a JWT that verifies, signs out, and then both credentials are refused."""
    script = block.text.replace("http://localhost:8000", server).replace(".venv/bin/tallystick", str(COMMAND))
    shell = ["bash", "-eu", "-c", script]
    done = subprocess.run(
        shell, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    words = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, words
    assert '"principal"' in done.stdout, words
    *_, status, refused = done.stdout.strip().splitlines()
    assert (status, refused) == ("401", "refused: exit 1"), words
    assert "session.ended" in (tmp_path / "answer.json").read_text(), words
