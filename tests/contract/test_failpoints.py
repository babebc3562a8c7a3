"""A commit stopped at each of its points, by name and by number; a process that is told to die there dies there."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tallystick.core.revocation.entry import Ending, Kind
from tallystick.core.session.decision import Append, EndSession
from tallystick.stores.sql import failpoint
from tallystick.stores.sql.sqlite_store import SqliteStore
from tallystick.testing import FakeClock
from tallystick.testing.stage import Stage


class StoppedError(Exception):
    """The commit was stopped here."""


def a_stage(path: Path) -> Stage:
    """Gives a stage on a file."""
    clock = FakeClock()
    return Stage(lambda: SqliteStore(path, clock=clock.now, boot=clock.boot), clock)


def test_a_commit_passes_every_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ending with a cut passes one point before each statement, one before COMMIT and one after it, by name."""
    points: list[str] = []

    async def story() -> None:
        stage = a_stage(tmp_path / "t.db")
        await stage.begin()
        await stage.account()
        browser = await stage.open(await stage.a_browser())
        await stage.open(await stage.an_app(), opener=browser)
        monkeypatch.setattr(failpoint, "hook", points.append)
        await stage.commit(EndSession(browser.id, "revoked"), Append(Ending(Kind.PRINCIPAL, browser.principal)))
        seen = len(points)
        await stage.store.touch({browser.id: 1})
        assert len(points) == seen
        await stage.end()

    asyncio.run(story())
    assert points == [
        "end_session", "end_opened_from", "take_positions", "insert_entry", "insert_entry", "insert_entry",
        "upsert_cut", "set_chain", "place_ending", "place_ending", failpoint.BEFORE_COMMIT, failpoint.AFTER_COMMIT,
    ]  # fmt: skip


def test_a_commit_that_stops_anywhere_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped before any statement or before COMMIT, an ending has not happened; stopped after it, it has, whole."""

    async def story() -> None:
        stage = a_stage(tmp_path / "t.db")
        await stage.begin()
        await stage.account()
        browser = await stage.open(await stage.a_browser())
        app = await stage.open(await stage.an_app(), opener=browser)
        stops = 0
        while True:
            stops += 1
            left = stops

            def stop(_: str) -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    raise StoppedError

            monkeypatch.setattr(failpoint, "hook", stop)
            try:
                await stage.commit(EndSession(browser.id, "revoked"))
            except StoppedError:
                monkeypatch.setattr(failpoint, "hook", None)
                states = [(await stage.session(row.id)).ended is not None for row in (browser, app)]
                head = (await stage.store.head()).seq
                assert (states, head) in (([False, False], 0), ([True, True], 2))
                if head:
                    break
        assert stops > 8
        await stage.end()

    asyncio.run(story())


DYING = """
import asyncio, sys
from pathlib import Path
from tallystick.core.session.decision import EndSession
from tests.contract.test_failpoints import a_stage
from tallystick.testing.stage import session_id

async def main():
    stage = a_stage(Path(sys.argv[1]))
    await stage.begin()
    await stage.commit(EndSession(session_id(sys.argv[2]), "revoked"))
    print("survived", flush=True)
    await stage.end()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("point", "testing", "dies", "entries"),
    [
        ("1", "1", True, 0),
        ("set_chain", "1", True, 0),
        ("before COMMIT", "1", True, 0),
        ("after COMMIT", "1", True, 1),
        ("insert_entry:2", "1", False, 1),
        ("1", "", False, 1),
    ],
)
def test_a_process_dies_where_it_is_told(tmp_path: Path, point: str, testing: str, dies: bool, entries: int) -> None:
    """The environment names the point of death, only where testing was allowed; the next process finds all or nothing."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(tmp_path / "t.db"), "browser"],
        cwd=root,
        env={**os.environ, "TALLYSTICK_FAILPOINT": point, "TALLYSTICK_TESTING": testing, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode == -signal.SIGKILL, "survived" in done.stdout) == (dies, not dies), done.stderr

    async def count() -> int:
        stage = a_stage(tmp_path / "t.db")
        await stage.begin()
        head = await stage.store.head()
        await stage.end()
        return head.seq

    assert asyncio.run(count()) == entries
