"""Starts the peers in Python and signs in to them."""

from __future__ import annotations

import http.client
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.load import FORM
from benchmarks.processes import Server, free_port, serving, uvicorn

PASSWORD = "correct horse battery staple"
SIGN_IN_PATH = "/auth/login"
"""The sign-in of fastapi-users."""


@contextmanager
def fastapi_users() -> Iterator[Server]:
    """Runs fastapi-users with a new SQLite database."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "peer.db")
        with serving(uvicorn("benchmarks.peers.fastapi_users_app:app", port), port, env={"BENCH_FILE": file}) as server:
            yield server


@contextmanager
def signed_cookie() -> Iterator[Server]:
    """Runs an application with Starlette's own session."""
    port = free_port()
    with serving(uvicorn("benchmarks.peers.signed_cookie:app", port), port) as server:
        yield server


def register(port: int, emails: Sequence[str]) -> None:
    """Registers people with fastapi-users."""
    for email in emails:
        call(port, "POST", "/register", json.dumps({"email": email, "password": PASSWORD}), "application/json")


def login_form(email: str) -> str:
    """Gives the body of a sign-in with fastapi-users."""
    return urlencode({"username": email, "password": PASSWORD})


def cookie_of(port: int, path: str, body: str = "", kind: str = FORM) -> str:
    """Signs in and gives the Cookie header to send from then on."""
    _, cookie = call(port, "POST", path, body, kind)
    return cookie


def call(port: int, method: str, path: str, body: str = "", kind: str = FORM) -> tuple[bytes, str]:
    """Makes one call that must succeed; gives the body, and the cookie that was set as a Cookie header."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body or None, {"Content-Type": kind, "Accept": "application/json"})
        answer = connection.getresponse()
        got = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {got[:300]!r}")
        return got, (answer.headers["Set-Cookie"] or "").split(";")[0]
    finally:
        connection.close()
