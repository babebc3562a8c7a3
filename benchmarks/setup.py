"""Makes sure that the peers are there: Python packages, Node packages, Redis. What is there already costs nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from benchmarks.processes import ROOT

_PEERS = ROOT / "benchmarks" / "peers"
_NODE = ("node=nodejs", "npm")
_PACKAGES = {"fastapi_users": "fastapi-users", "redis": "redis", "itsdangerous": "itsdangerous", "jwt": "pyjwt"}


class SetupFailed(Exception):
    """Something that a benchmark needs cannot be had; the message says what to do."""


def python_packages() -> bool:
    """Installs the group `bench` of the lock file if a peer is missing; tells whether it did."""
    if all(find_spec(module) for module in _PACKAGES):
        return False
    uv = ROOT / ".make" / "uv" / "bin" / "uv"
    command = str(uv) if uv.exists() else shutil.which("uv")
    if command is None:
        raise SetupFailed("the peers in Python are missing; type: make bench")
    extras = ["--extra", "server", "--extra", "fastapi", "--group", "bench"]
    _run([command, "sync", "--quiet", "--frozen", "--inexact", *extras], ROOT)
    return True


def node_packages() -> None:
    """Installs Node where it may, and what `peers/package-lock.json` pins."""
    _run([str(ROOT / "tools" / "system-packages"), *_NODE], ROOT)
    if shutil.which("npm") is None:
        raise SetupFailed("this benchmark needs node and npm")
    lock, stamp = _PEERS / "package-lock.json", _PEERS / "node_modules" / ".ready"
    if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
        print("installing the peers in Node", file=sys.stderr)
        _run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel", "error"], _PEERS)
        stamp.touch()


def redis_server() -> Path:
    """Installs Redis where it may; gives the path of its server."""
    _run([str(ROOT / "tools" / "system-packages"), "redis-server"], ROOT)
    found = shutil.which("redis-server")
    if found is None:
        raise SetupFailed("this benchmark needs redis-server")
    return Path(found)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    if done.returncode:
        raise SetupFailed(f"{' '.join(command)} failed")
