"""Starts servers for a while and reads how much CPU time they used, all their processes together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_START_S = 30.0
_STOP_S = 5.0


class NotStarted(Exception):
    """A server did not answer in time, or left at once; the message holds what it printed last."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs, with everything that it started.

    Args:
        port: where it listens on 127.0.0.1.
        leader: its process, which leads a session of the kernel's; all its descendants belong to it.
    """

    port: int
    leader: subprocess.Popen[bytes]

    def cpu_ns(self) -> int:
        """Gives the CPU time in user and kernel mode that its processes have used since the start, nanoseconds.

        The kernel tells it in ticks of 10 ms, so what is measured should take a second or so.
        """
        return sum(_cpu_ticks(pid) for pid in _members(self.leader.pid)) * _TICK_NS


@contextmanager
def serving(
    command: Sequence[str], port: int, *, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> Iterator[Server]:
    """Runs a server until the block ends.

    Args:
        command: what to run.
        port: where it will listen on 127.0.0.1.
        env: what to add to the environment.
        cwd: where to run it.

    Raises:
        NotStarted: nothing listens there after 30 seconds, or the process left.
    """
    with tempfile.TemporaryFile() as said:
        leader = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            if not _listens(leader, port):
                said.seek(0)
                words = said.read().decode(errors="replace").strip().splitlines()
                raise NotStarted("\n".join([f"{command[0]} does not answer on port {port}", *words[-12:]]))
            yield Server(port, leader)
        finally:
            stop(leader)


def uvicorn(app: str, port: int) -> list[str]:
    """Gives the command that serves an ASGI application in one process, the same way for ours and for every peer."""
    options = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", "--no-access-log"]
    return [PYTHON, "-m", "uvicorn", app, *options, "--loop", "uvloop", "--http", "httptools"]


def free_port() -> int:
    """Gives a port of 127.0.0.1 on which nothing listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop(leader: subprocess.Popen[bytes]) -> None:
    """Ends a process that leads a session, and all that belong to it: asked first, then killed."""
    if leader.poll() is None:
        leader.terminate()
        with suppress(subprocess.TimeoutExpired):
            leader.wait(_STOP_S)
    for pid in _members(leader.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    leader.wait()


def _listens(leader: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and leader.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False


def _members(session: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields and int(fields[3]) == session:
                found.append(int(entry.name))
    return found


def _cpu_ticks(pid: int) -> int:
    # utime, stime, and those of children that left and were waited for: fields 14 to 17 of proc(5).
    return sum(map(int, _stat(pid)[11:15]))


def _stat(pid: int) -> list[str]:
    """Gives the fields of /proc/PID/stat from the third on; none if the process left."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text[text.rindex(")") + 2 :].split()
