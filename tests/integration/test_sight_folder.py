"""The folder in which workers leave their counts: killed at any moment, nothing is lost twice or counted twice."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tallystick.errors import Misconfigured, Unavailable
from tallystick.observe import folder as module
from tallystick.observe.folder import Folder
from tallystick.verifier.clocks import SYSTEM
from tallystick.verifier.metric import Kind, Metric, Readings, Series

SEEN = Metric("tallystick_seen_total", Kind.COUNTER, "Seen.")
WAITING = Metric("tallystick_waiting", Kind.GAUGE, "Waiting.")
ALL = (SEEN, WAITING)
CHILD = """
import os, sys
from pathlib import Path
from tests.integration.test_sight_folder import a_folder, counted
folder = a_folder(Path(sys.argv[1]))
folder.join()
folder.write(counted(int(sys.argv[2])))
print("written", flush=True)
sys.stdin.read()
os.kill(os.getpid(), 9)
"""


def a_folder(path: Path) -> Folder:
    """Gives the folder as one process sees it."""
    return Folder(path, ALL, SYSTEM.boot)


def counted(seen: int) -> Readings:
    """Gives what a process has counted."""
    return {SEEN: {(): seen}, WAITING: {(): 1}}


def seen(folder: Folder) -> float:
    """Gives the sum over the living and the ended."""
    found = folder.gather()
    given: list[Series] = [one.readings[SEEN] for one in found.living.values() if one is not None]
    total = 0.0
    for series in (*given, found.ended.get(SEEN, {})):
        for value in series.values():
            assert isinstance(value, int | float)
            total += value
    return total


def killed_after_writing(path: Path, count: int) -> None:
    """Runs a process that joins, writes and is killed."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    out, _ = child.communicate("", timeout=30)
    assert (out, child.returncode) == ("written\n", -9)


def test_the_killed_are_added_once(tmp_path: Path) -> None:
    """What a killed process had written counts, however often the folder is read."""
    path = tmp_path / "run"
    mine = a_folder(path)
    mine.join()
    mine.write(counted(1))
    killed_after_writing(path, 10)
    killed_after_writing(path, 20)
    assert [seen(mine) for _ in range(3)] == [31, 31, 31]
    assert (mine.gather().died, len(mine.gather().living)) == (2, 1)
    mine.leave(counted(2))
    assert sorted(one.name for one in path.iterdir()) == ["ended.json", "lock"]
    again = a_folder(path)
    again.join()
    assert (seen(again), again.gather().died) == (32, 2)
    again.leave({})


@pytest.mark.parametrize("unlinked", range(4))
def test_a_kill_while_the_dead_are_added_counts_nobody_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unlinked: int
) -> None:
    """Whoever adds the dead may die after any step of it; the next finishes what was begun."""
    path = tmp_path / "run"
    killed_after_writing(path, 10)
    mine = a_folder(path)
    mine.join()
    mine.write(counted(1))
    left = [unlinked]
    unlink = Path.unlink

    def dies(self: Path, missing_ok: bool = False) -> None:
        if not left[0]:
            raise InterruptedError
        left[0] -= 1
        unlink(self, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", dies)
        with suppress(InterruptedError):
            mine.gather()
    assert [seen(mine), seen(mine)] == [11, 11]
    assert mine.gather().died == 1
    mine.leave({})


def test_a_gauge_is_of_the_living_only(tmp_path: Path) -> None:
    """What a process held when it died is held by nobody."""
    path = tmp_path / "run"
    killed_after_writing(path, 10)
    mine = a_folder(path)
    mine.join()
    mine.write(counted(1))
    assert WAITING not in mine.gather().ended
    mine.leave({})


def test_torn_and_foreign_files_harm_nothing(tmp_path: Path) -> None:
    """Whatever lies in the folder, counting goes on."""
    path = tmp_path / "run"
    mine = a_folder(path)
    mine.join()
    (path / "ended.json").write_text('{"names": [')
    (path / "notes.json").write_bytes(b"\xff\xfe")
    (path / "1-abc.lock").touch()
    (path / "1-abc.json").write_bytes(b"\xff")
    (path / "2-abc.ask").touch()
    mine.ask()
    mine.write(counted(3))
    assert seen(mine) == 3
    assert mine.note(lambda note: [note, 1]) == [None, 1]
    assert mine.note(lambda note: note) == [None, 1]
    mine.leave({})


def test_a_folder_that_others_may_use_is_refused(tmp_path: Path) -> None:
    """Who could write there could lie; who could read there would learn what is counted."""
    path = tmp_path / "run"
    path.mkdir(mode=0o755)
    with pytest.raises(Misconfigured, match="chmod 700"):
        a_folder(path).join()


def test_what_is_made_is_for_nobody_else(tmp_path: Path) -> None:
    """Folder and files are open to whoever serves alone, whatever the umask."""
    path = tmp_path / "run"
    before = os.umask(0)
    try:
        mine = a_folder(path)
        mine.join()
        mine.write(counted(1))
        mine.note(lambda note: 1)
        assert {one.stat().st_mode & 0o077 for one in (path, *path.iterdir())} == {0}
        mine.leave({})
    finally:
        os.umask(before)


def test_a_lock_that_a_stopped_process_holds_keeps_nobody_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who was stopped with the folder's lock makes a scrape fail in time, not hang."""
    monkeypatch.setattr(module, "LOCK_WAIT_S", 0.05)
    mine, other = a_folder(tmp_path / "run"), a_folder(tmp_path / "run")
    mine.join()
    inside, done = threading.Event(), threading.Event()

    def hold(note: object) -> object:
        inside.set()
        done.wait(10)
        return note

    holder = threading.Thread(target=lambda: other.note(hold) if other.name else None)
    other.join()
    holder.start()
    assert inside.wait(10)
    with pytest.raises(Unavailable):
        mine.gather()
    done.set()
    holder.join()
    assert seen(mine) == 0
    mine.leave({})
    other.leave({})
