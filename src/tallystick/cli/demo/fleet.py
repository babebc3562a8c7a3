"""The demo's processes: started on free loopback ports, always cleaned up."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tallystick.cli.demo.wire import ADDRESS, call
from tallystick.errors import Unavailable

START_S = 20.0
STOP_S = 5.0
POLL_S = 0.02


@dataclass(slots=True)
class Member:
    """One process.

    Args:
        name: what the demo calls it.
        port: where it listens.
        process: itself.
        log: the file that holds what it printed.
    """

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path


def free_port() -> int:
    """Gives a loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port


class Fleet:
    """Starts processes in a folder and ends them all on the way out, whatever happened.

    Args:
        folder: their working directory; what they print lands there too.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.members: dict[str, Member] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self.members.values():
            _signal(member, signal.SIGCONT)
            _signal(member, signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        for member in self.members.values():
            try:
                member.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(member, signal.SIGKILL)
                member.process.wait()

    def start(self, name: str, module: str, port: int, *arguments: str) -> Member:
        """Starts `python -m module … --port port` in a session of its own, so that Ctrl-C reaches only the demo."""
        log = self.folder / f"{name}.log"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("TALLYSTICK_")}
        with log.open("wb") as sink:
            process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                [sys.executable, "-m", module, *arguments, "--port", str(port)],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.members[name] = Member(name, port, process, log)
        return self.members[name]

    def wait_ready(self, names: Sequence[str]) -> None:
        """Waits until each of the named processes says that it may be sent requests.

        Raises:
            Unavailable: one of them ended or did not become ready in time.
        """
        deadline = time.monotonic() + START_S
        for name in names:
            member = self.members[name]
            while call(member.port, "GET", "/readyz").status != 200:
                if member.process.poll() is not None or time.monotonic() > deadline:
                    last = member.log.read_text(errors="replace").strip().splitlines()[-1:]
                    raise Unavailable(f"the process '{name}' did not start: {''.join(last) or 'it said nothing'}")
                time.sleep(POLL_S)

    def port(self, name: str) -> int:
        """Gives the port of a process."""
        return self.members[name].port

    def pause(self, name: str) -> None:
        """Stops a process where it stands (SIGSTOP)."""
        self.members[name].process.send_signal(signal.SIGSTOP)

    def wake(self, name: str) -> None:
        """Lets a stopped process go on (SIGCONT)."""
        self.members[name].process.send_signal(signal.SIGCONT)


def _signal(member: Member, number: signal.Signals) -> None:
    if member.process.poll() is None:
        os.killpg(member.process.pid, number)
