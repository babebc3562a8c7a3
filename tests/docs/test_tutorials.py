"""The tutorials, typed as they stand: every block of them runs."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from tests.docs.pages import ROOT, Block, blocks
from tests.support.processes import clean_environment, free_port

pytestmark = pytest.mark.process
BIN = Path(sys.executable).parent
TUTORIALS = sorted((ROOT / "docs" / "tutorial").glob("*.md"))
SERVERS = {
    "make run\n": ("tallystick", "serve", "--port", "{port}"),
    ".venv/bin/uvicorn notes:app --port 8000 --no-proxy-headers\n": (
        "uvicorn", "notes:app", "--port", "{port}", "--no-proxy-headers",
    ),
}  # fmt: skip
"""The blocks that start a server and do not come back, and what the test types in their place."""
EXPECTED = {
    "first-sign-in": ['"alive"|"ready"', '"csrf"', '"access_token"', r"^good|\"principal\"|session ", "session.ended", "exit 1"],
    "protect-an-app": [
        "credential.missing", r"303 http://localhost:\d+/auth/sign-in\?next=/%3Fpage%3D2", "Notes of ada@example.com",
        '"credential":"cookie"', '"credential":"access_token"', "session.ended",
    ],
}  # fmt: skip
"""Tutorial → what its blocks print, in this order."""
START_S = 30.0


def of(page: Path) -> list[Block]:
    """Gives the blocks of a tutorial."""
    return list(blocks(page, page.read_text()))


@contextmanager
def served(folder: Path, words: tuple[str, ...], port: int) -> Iterator[None]:
    """Runs a server in a folder until the block ends."""
    log = folder / "serve.log"
    command = [str(BIN / words[0]), *(word.format(port=port) for word in words[1:])]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, cwd=folder, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
        )
        try:
            deadline = time.monotonic() + START_S
            while not answers(port):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(20)


def answers(port: int) -> bool:
    """Tells whether a server answers on a port."""
    try:
        with urlopen(f"http://localhost:{port}/", timeout=5):
            return True
    except HTTPError as error:
        error.close()
        return True
    except (URLError, ConnectionError, TimeoutError):
        return False


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_does_what_it_says(page: Path, tmp_path: Path) -> None:
    """Writing and typing what a tutorial says, in order and in an empty folder, works and prints what it promises."""
    port = free_port()
    found = of(page)
    for block in found:
        if block.language == "python":
            (tmp_path / "notes.py").write_text(block.text.replace("localhost:8000", f"localhost:{port}"))
    (server,) = [SERVERS[block.text] for block in found if block.text in SERVERS]
    typed = "\n".join(block.text for block in found if block.language == "sh" and block.text not in SERVERS)
    script = typed.replace("localhost:8000", f"localhost:{port}").replace(".venv/bin/", f"{BIN}/")
    with served(tmp_path, server, port):
        done = subprocess.run(
            ["bash", "-eu", "-c", script],
            cwd=tmp_path,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    words = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, words
    at = 0
    for wanted in EXPECTED[page.stem]:
        match = re.compile(wanted, re.MULTILINE).search(done.stdout, at)
        assert match, f"{wanted} is not printed\n{words}"
        at = match.end()


def test_every_block_of_a_tutorial_is_run() -> None:
    """A tutorial has blocks of Python and shell only, one of which starts a server, so that the test above leaves none out."""
    assert {page.stem for page in TUTORIALS} == EXPECTED.keys()
    for page in TUTORIALS:
        found = of(page)
        assert {block.language for block in found} <= {"python", "sh"}
        assert sum(block.text in SERVERS for block in found) == 1
        assert sum(block.language == "python" for block in found) <= 1
