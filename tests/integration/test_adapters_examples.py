"""The examples run as they are, each a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.processes import EMAIL, PASSWORD, START_S, Browser, Reply, clean_environment, free_port, tallystick

pytestmark = pytest.mark.process
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@contextmanager
def an_example(folder: Path, name: str, path: str, port: int, **settings: str) -> Iterator[Browser]:
    """Runs an example until the block ends, and gives a browser for it."""
    log = folder / f"{name}.log"
    with log.open("wb") as words:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", EXAMPLES / f"{name}.py"],
            cwd=folder,
            env=clean_environment(PORT=str(port), PYTHONPATH="", **settings),
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
        )
        try:
            browser = Browser(port)
            deadline = time.monotonic() + START_S
            while browser.ask("GET", path).status == 0:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield browser
        finally:
            process.terminate()
            process.wait(20)
    assert "Traceback" not in log.read_text()
    assert "rror" not in log.read_text()


def signed_in(browser: Browser) -> Reply:
    """Signs up and in under `/auth`; keeps cookie and token."""
    wish = {"email": EMAIL, "password": PASSWORD}
    assert browser.ask("POST", "/auth/sign-up", data=wish).status == 201
    reply = browser.ask("POST", "/auth/session", data=wish)
    browser.csrf = str(reply.body["csrf"])
    return reply


@pytest.mark.parametrize("name", ["notes_fastapi", "notes_starlette"])
def test_the_notes_are_kept_for_whoever_may(tmp_path: Path, name: str) -> None:
    """Reading needs a session, writing a permission, burning a fresh sign-in; a granted permission counts at once."""
    port = free_port()
    with an_example(tmp_path, name, "/notes", port) as ada:
        assert ada.ask("GET", "/notes").status == 401
        signed = signed_in(ada)
        assert ada.ask("GET", "/notes").status == 200
        note = {"text": "seven notches"}
        refused = ada.ask("POST", "/notes", data=note)
        assert (refused.status, refused.body["error"]) == (403, "scope.insufficient")
        done = tallystick(
            tmp_path, "account", "grant", EMAIL, "notes:write", "--store", "sqlite:///notes.db",
            environment={
                "TALLYSTICK_ROOT_KEY_FILE": "notes-root.key",
                "TALLYSTICK_ISSUER": f"http://localhost:{port}/auth",
            },
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        deadline = time.monotonic() + 10
        while (status := ada.ask("POST", "/notes", data=note).status) == 403:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert status == 201
        token = str(ada.ask("POST", "/auth/session/access-token").body["access_token"])
        assert ada.ask("GET", "/notes", bearer=token).status == 200
        assert ada.ask("DELETE", "/notes", bearer=token).status == 204
        assert ada.ask("DELETE", "/auth/session").status == 204
        assert ada.ask("GET", "/notes", bearer=token).body["error"] == "session.ended"
        assert signed.headers["set-cookie"].startswith("ts=")


def test_the_second_service_hears_of_endings(tmp_path: Path) -> None:
    """A service that only verifies takes both credentials of the notes, and refuses both when the session has ended."""
    port, other = free_port(), free_port()
    issuer = f"http://localhost:{port}/auth"
    with an_example(tmp_path, "notes_fastapi", "/notes", port) as ada:
        signed = signed_in(ada)
        token = str(ada.ask("POST", "/auth/session/access-token").body["access_token"])
        with an_example(tmp_path, "second_service", "/export", other, ISSUER=issuer) as export:
            export.cookies = dict(ada.cookies)
            seen = [export.ask("GET", "/export"), export.ask("GET", "/export", bearer=token)]
            assert [one.status for one in seen] == [200, 200]
            assert {one.body["session"] for one in seen} == {signed.body["session"]["id"]}
            assert export.ask("GET", "/export", bearer="a.b.c").status == 401
            export.cookies = {}
            assert export.ask("GET", "/export").body["error"] == "credential.missing"
            assert ada.ask("DELETE", "/auth/session").status == 204
            deadline = time.monotonic() + 5
            while export.ask("GET", "/export", bearer=token).status == 200:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert export.ask("GET", "/export", bearer=token).body["error"] == "session.ended"
