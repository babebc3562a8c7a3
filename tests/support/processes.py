"""Real processes of the product: the server on a free port in a folder of its own, and the command line."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

ADDRESS = "127.0.0.1"
START_S = 30.0
EMAIL = "ada@example.com"
PASSWORD = "seven notches on a hazel stick"


def free_port() -> int:
    """Gives a loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def clean_environment(**more: str) -> dict[str, str]:
    """Gives this process's environment without settings of tallystick, plus some."""
    return {key: value for key, value in os.environ.items() if not key.startswith("TALLYSTICK_")} | more


def tallystick(
    folder: Path, *arguments: str, stdin: str = "", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs one command in a process of its own, in a folder, and gives what came out."""
    return subprocess.run(
        [sys.executable, "-m", "tallystick.cli.main", *arguments],
        cwd=folder,
        input=stdin,
        env=clean_environment(**(environment or {})),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def create_account(folder: Path, email: str = EMAIL, password: str = PASSWORD) -> str:
    """Makes an account with the command line and gives its id."""
    done = tallystick(folder, "account", "create", email, "--password-stdin", stdin=f"{password}\n")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def create_client(folder: Path, name: str, *arguments: str) -> dict[str, Any]:
    """Makes a client with the command line and gives what it printed."""
    done = tallystick(folder, "client", "create", name, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert isinstance(made, dict)
    return made


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answered; status 0 if it did not.

    Args:
        status: the status code.
        headers: lower-case name → value; of a name that came twice, the last.
        body: the JSON object of the body; empty if it was none.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)


class Browser:
    """An HTTP client with a cookie jar and the token that goes with the cookie.

    Args:
        port: where the server listens.
        host: what it asks for; localhost by default.
    """

    def __init__(self, port: int, host: str = "") -> None:
        self.port = port
        self.host = host or f"localhost:{port}"
        self.cookies: dict[str, str] = {}
        self.csrf = ""

    def ask(
        self,
        method: str,
        path: str,
        *,
        data: Mapping[str, object] | None = None,
        form: Mapping[str, str] | None = None,
        bearer: str = "",
        timeout_s: float = 30,
    ) -> Reply:
        """Sends a request with the cookies of the jar, keeps those that come back, gives the answer."""
        headers = {"Host": self.host}
        if self.cookies and not bearer:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers |= {"X-CSRF-Token": self.csrf} if self.csrf else {}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        body = None
        if data is not None:
            body, headers["Content-Type"] = json.dumps(data), "application/json"
        elif form is not None:
            body, headers["Content-Type"] = urlencode(form), "application/x-www-form-urlencoded"
        connection = HTTPConnection(ADDRESS, self.port, timeout=timeout_s)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            raw = response.read()
        except (OSError, HTTPException):
            return Reply(0)
        finally:
            connection.close()
        for value in response.headers.get_all("Set-Cookie") or []:
            name, _, text = value.split(";")[0].partition("=")
            self.cookies[name] = text
        found = json.loads(raw) if raw.startswith(b"{") else {}
        return Reply(response.status, {name.lower(): value for name, value in response.headers.items()}, found)

    def sign_in(self, email: str = EMAIL, password: str = PASSWORD) -> Reply:
        """Signs in by password and keeps cookie and token."""
        reply = self.ask("POST", "/session", data={"email": email, "password": password})
        self.csrf = str(reply.body.get("csrf", ""))
        return reply

    def sign_in_app(self, client: str, email: str = EMAIL, password: str = PASSWORD) -> Reply:
        """Signs a first-party native app in and gives the token response."""
        data = {"email": email, "password": password, "deliver": "tokens", "client_id": client}
        return self.ask("POST", "/session", data=data)

    def refresh(self, token: str, client: str) -> Reply:
        """Presents a refresh token."""
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client}
        return self.ask("POST", "/oauth/token", form=form)


class Server:
    """`tallystick serve` in a folder, as a process group of its own.

    Args:
        folder: its working directory, with the data under `.tallystick`.
        arguments: further words of the command line.
        environment: settings.
        wrapper: words before the interpreter, such as those of strace.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        wrapper: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.issuer = f"http://localhost:{self.port}"
        self.arguments = arguments
        self.environment = dict(environment or {})
        self.wrapper = tuple(wrapper)
        self.process: subprocess.Popen[bytes] | None = None
        self.probe_host = ""
        self.limits: Callable[[], None] | None = None

    @property
    def log(self) -> str:
        """What it printed so far."""
        return (self.folder / "serve.log").read_text(errors="replace")

    def spawn(self) -> subprocess.Popen[bytes]:
        """Starts it and does not wait."""
        words = [*self.wrapper, sys.executable, "-m", "tallystick.cli.main", "serve"]
        with (self.folder / "serve.log").open("ab") as sink:
            self.process = subprocess.Popen(
                [*words, "--port", str(self.port), *self.arguments],
                cwd=self.folder,
                env=clean_environment(**self.environment),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=self.limits,
            )
        return self.process

    def start(self) -> Self:
        """Starts it and waits until it is ready."""
        process = self.spawn()
        deadline = time.monotonic() + START_S
        while Browser(self.port, self.probe_host).ask("GET", "/readyz", timeout_s=5).status != 200:
            assert process.poll() is None, f"it ended with {process.returncode}:\n{self.log}"
            assert time.monotonic() < deadline, f"it was not ready after {START_S} s:\n{self.log}"
            time.sleep(0.03)
        return self

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the main process alone, as a service manager would; past a wrapper, which blocks it."""
        assert self.process is not None
        if self.wrapper:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def kill(self) -> None:
        """Ends every process of it at once (SIGKILL)."""
        assert self.process is not None
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, timeout_s: float = 20) -> int:
        """Asks it to end (SIGTERM) and gives its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.process.wait(timeout_s)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.kill()
            raise
