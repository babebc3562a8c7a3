"""`tallystick demo` is the end-to-end test of the product."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import clean_environment, tallystick

pytestmark = pytest.mark.process
STEPS = 12


def test_the_demo_finds_everything_as_promised(tmp_path: Path) -> None:
    """The demo ends with exit code 0, and no ending had to be waited for after its call had returned."""
    done = tallystick(tmp_path, "demo", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["as_promised"] is True
    assert len(told["steps"]) == STEPS
    everywhere = [step for step in told["steps"] if step["revoked"]]
    assert len(everywhere) == 4
    assert {arrival["retries"] for step in everywhere for arrival in step["arrived"]} == {0}
    assert list(tmp_path.iterdir()) == []


def test_the_demo_cleans_up_when_it_is_told_to_end(tmp_path: Path) -> None:
    """Ended half-way, the demo leaves no process and no folder behind."""
    demo = subprocess.Popen(
        [sys.executable, "-m", "tallystick.cli.main", "demo"],
        cwd=tmp_path,
        env=clean_environment(TMPDIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert demo.stdout is not None
    while "signs in" not in demo.stdout.readline():
        assert demo.poll() is None
    folders = list(tmp_path.iterdir())
    assert len(folders) == 1
    demo.send_signal(signal.SIGTERM)
    demo.communicate(timeout=30)
    assert demo.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []
    assert not [pid for pid in _processes() if str(folders[0]) in _words(pid)]


def _processes() -> list[str]:
    return [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]


def _words(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""
