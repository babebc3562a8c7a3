"""The files of a SQLite store: copies put back, journals deleted, files replaced, disks full, locks held."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import ORIGIN, Ending, Kind, Position
from tallystick.core.revocation.feed import Beat
from tallystick.core.session.decision import Append, UpdateSession
from tallystick.errors import Misconfigured, Unavailable
from tallystick.ports import Store
from tallystick.stores.open import open_log, open_stores
from tallystick.stores.sql import files, lanes, workers
from tallystick.stores.sql.files import Mark, WriterLock
from tallystick.stores.sql.sqlite_log import SqliteLog
from tallystick.stores.sql.sqlite_store import SqliteStore
from tallystick.testing import FakeClock
from tallystick.testing.stage import Stage

SHORT = Staleness(lease_s=0.3, beat_s=0.05, tick_slack_s=0.0)
"""A short lease, so that a recovery is not waited for long."""


@asynccontextmanager
async def opened(path: Path, clock: FakeClock | None = None) -> AsyncIterator[SqliteStore]:
    """Gives an open store on a file."""
    store = SqliteStore(path, **({"clock": clock.now, "boot": clock.boot} if clock else {}))
    await store.open(SHORT)
    try:
        yield store
    finally:
        await store.close()


async def cut(store: Store, name: str, now: int = 1) -> Position:
    """Appends an entry."""
    return (await store.commit((Append(Ending(Kind.CLIENT, name)),), now=now)).position


def run(story: Callable[[], Awaitable[Any]]) -> Any:
    """Runs a story to its end."""
    return asyncio.run(story())  # type: ignore[arg-type]


# ── copies put back ──────────────────────────────────────────────────────────────────────────────────────────────────


def put_back(copy: Path, path: Path, *, with_mark: bool = True) -> None:
    """Puts a copy in the place of a database, as an operator would who deletes the journal."""
    copy.replace(path)
    for suffix in ("-wal", "-shm") if with_mark else ("-wal", "-shm", ".head"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def restored(path: Path, how: str) -> tuple[Position, Position, Position]:
    """Appends, copies, appends more, and puts the copy back; gives the heads: copied, lost, and after the next opening."""

    async def story() -> tuple[Position, Position, Position]:
        copy = path.with_name("copy.db")
        async with opened(path) as store:
            first = await cut(store, "a")
            if how == "journal deleted":
                held = sqlite3.connect(path)
                held.execute("BEGIN")
                held.execute("SELECT * FROM ts_head").fetchall()  # keeps the journal from being folded in
            else:
                with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
                    source.backup(target)
            lost = await cut(store, "b")
            if how == "journal deleted":
                shutil.copy(path, copy)
        if how == "journal deleted":
            held.close()
        put_back(copy, path, with_mark=how != "mark deleted")
        async with opened(path) as store:
            return first, lost, await store.head()

    return run(story)  # type: ignore[no-any-return]


@pytest.mark.parametrize("how", ["backup", "mark deleted"])
def test_an_older_copy_put_back_signs_everybody_out(tmp_path: Path, how: str) -> None:
    """A backup that lacks entries is noticed at the next start: a new epoch begins with an entry for everything."""
    first, lost, head = restored(tmp_path / "t.db", how)
    assert lost == (first.epoch, first.seq + 1)
    assert head.epoch > lost.epoch
    assert head.seq == 1
    (entry,) = run(lambda: _entries_after(tmp_path / "t.db", lost))
    assert entry.ending == Ending(Kind.ALL, "")


def test_a_deleted_journal_signs_everybody_out(tmp_path: Path) -> None:
    """What lay only in the journal is missed when the journal is deleted."""
    path = tmp_path / "t.db"
    run(lambda: _create(path))
    first, lost, head = restored(path, "journal deleted")
    assert head.epoch > lost.epoch == first.epoch


async def _create(path: Path) -> None:
    async with opened(path):
        pass


async def _entries_after(path: Path, position: Position) -> Any:
    async with opened(path) as store:
        return await store.log_page(position, 10)


def test_a_restart_signs_nobody_out(tmp_path: Path) -> None:
    """A store that is opened again, cleanly or after a kill between commit and mark, goes on in its epoch."""

    async def story() -> None:
        async with opened(tmp_path / "t.db") as store:
            await cut(store, "a")
            mark = (tmp_path / "t.db.head").read_bytes()
            last = await cut(store, "b")
        async with opened(tmp_path / "t.db") as store:
            assert await store.head() == last
        (tmp_path / "t.db.head").write_bytes(mark)
        async with opened(tmp_path / "t.db") as store:
            assert await store.head() == last
            assert await cut(store, "c") == (last.epoch, last.seq + 1)

    run(story)


def test_a_follower_heals_a_file_that_was_put_back(tmp_path: Path) -> None:
    """A follower of a replaced file gets no lease from it; when LS has passed, it begins the new epoch itself."""
    path, clock = tmp_path / "t.db", FakeClock()

    async def story() -> None:
        async with opened(path, clock) as store:
            await cut(store, "a")
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(tmp_path / "copy.db")) as target:
                source.backup(target)
            lost = await cut(store, "b")
            log = SqliteLog(path, clock=clock.now, boot=clock.boot)
            log.open()
            start = log.snapshot()
            assert start.position == lost
            put_back(tmp_path / "copy.db", path)
            with pytest.raises(Unavailable):
                await store.head()
            with pytest.raises(Unavailable):
                await cut(store, "into the old file")
            sent = Beat("me", 1, bytes(16), start.position, start.chain, ORIGIN)
            answer = log.beat(sent)
            assert (answer.forked, answer.entries) == (True, ())
            with pytest.raises(Unavailable):
                log.snapshot()
            clock.pass_time(SHORT.bound_s)
            assert log.beat(sent).head.epoch == lost.epoch
            clock.pass_time(0.01)
            healed = log.beat(sent)
            assert healed.head.epoch > lost.epoch
            assert healed.below_tail
            assert log.snapshot().position == healed.head
            assert await store.recover(lost) == healed.head
            assert await store.head() == healed.head
            log.close()

    run(story)


def test_a_file_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    """Reads, writes, beats and cookies of a file that was deleted are refused, not answered from what is still open."""

    async def story() -> None:
        async with opened(tmp_path / "t.db") as store:
            log = open_log(f"sqlite:///{tmp_path / 't.db'}")
            log.open()
            start = log.snapshot()
            (tmp_path / "t.db").unlink()
            with pytest.raises(Unavailable):
                await store.head()
            with pytest.raises(Unavailable):
                await cut(store, "a")
            with pytest.raises(Unavailable):
                log.beat(Beat("me", 1, bytes(16), start.position, start.chain, ORIGIN))
            with pytest.raises(Unavailable):
                log.register("me")
            with pytest.raises(Unavailable):
                log.resolve([])
            log.close()

    run(story)


# ── the mark ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_torn_mark_leaves_the_one_before(tmp_path: Path) -> None:
    """A mark is written in two slots by turns, so a write that was cut off loses only itself."""
    mark = Mark(tmp_path / "mark")
    assert mark.read() is None
    mark.write(Position(7, 1), b"a" * 16)
    mark.write(Position(7, 2), b"b" * 16)
    assert mark.read() == (Position(7, 2), b"b" * 16)
    raw = bytearray((tmp_path / "mark").read_bytes())
    raw[5] ^= 1
    (tmp_path / "mark").write_bytes(raw)
    assert mark.read() == (Position(7, 1), b"a" * 16)
    (tmp_path / "mark").write_bytes(b"\xff" * 40)
    assert mark.read() is None
    mark.restart(Position(8, 1), b"c" * 16)
    assert mark.read() == (Position(8, 1), b"c" * 16)


def test_a_mark_that_cannot_be_written_does_not_undo_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What was committed is told as committed, and the log says that the mark is behind."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async def story() -> None:
        async with opened(tmp_path / "t.db") as store:
            monkeypatch.setattr(files.Mark, "write", full)
            assert await cut(store, "a") == await store.head()

    run(story)
    assert "cannot mark" in caplog.text


# ── locks and disks ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_writer_waits_for_the_lock_and_gives_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another writer holds the lock nothing is written; a short hold is waited for, a long one is Unavailable."""

    async def story() -> None:
        async with opened(tmp_path / "t.db") as store:
            other = WriterLock(tmp_path / "t.db.lock")
            with other.held():
                waiting = asyncio.create_task(cut(store, "a"))
                await asyncio.sleep(0.05)
                assert not waiting.done()
                assert (await store.head()).seq == 0
            assert (await waiting).seq == 1
            held = WriterLock.held
            monkeypatch.setattr(WriterLock, "held", lambda self, wait_s=0.05: held(self, wait_s))
            with held(other):
                with pytest.raises(Unavailable):
                    await cut(store, "b")
            assert (await cut(store, "c")).seq == 2
            other.close()

    run(story)


def test_a_full_disk_is_unavailable_and_consumes_nothing(tmp_path: Path) -> None:
    """When the file cannot grow, the commit is refused whole, reads go on, and later it works again."""

    async def story() -> None:
        async with opened(tmp_path / "t.db") as store:
            worker = writer_of(store)
            (pages,) = worker._connection.execute("PRAGMA page_count").fetchone()
            worker._connection.execute(f"PRAGMA max_page_count = {pages}")
            with pytest.raises(Unavailable):
                await store.commit(tuple(Append(Ending(Kind.KEY, f"{n:064}")) for n in range(400)), now=1)
            assert (await store.head()).seq == 0
            assert await store.log_page(ORIGIN, 10) == []
            worker._connection.execute("PRAGMA max_page_count = 1000000")
            assert (await cut(store, "a")).seq == 1

    run(story)


def test_a_full_disk_fails_everybody_of_the_batch(tmp_path: Path) -> None:
    """When SQLite undoes the transaction that several commits share, none of them is told that it happened."""

    async def story() -> None:
        async with opened(tmp_path / "t.db") as store:
            worker = writer_of(store)
            (pages,) = worker._connection.execute("PRAGMA page_count").fetchone()
            worker._connection.execute(f"PRAGMA max_page_count = {pages}")
            big = tuple(Append(Ending(Kind.KEY, f"{n:064}")) for n in range(400))
            got = await asyncio.gather(cut(store, "a"), store.commit(big, now=1), return_exceptions=True)
            assert isinstance(got[1], Unavailable)
            assert (await store.head()).seq == (0 if isinstance(got[0], Unavailable) else 1)

    run(story)


def writer_of(store: SqliteStore) -> workers.Writer:
    """Gives the writer behind a store."""
    (close,) = [one for one in store._closing if isinstance(getattr(one, "__self__", None), workers.Writer)]
    writer = close.__self__  # type: ignore[attr-defined]
    assert isinstance(writer, workers.Writer)
    return writer


class Failing:
    """A connection whose COMMIT fails as a broken disk would make it.

    Args:
        connection: the connection behind it.
        name: SQLite's name of the error.
    """

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection, self._name = connection, name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, text: str, *arguments: Any) -> Any:
        """Runs a statement; COMMIT fails."""
        if text == "COMMIT":
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorname = self._name
            raise error
        return self._connection.execute(text, *arguments)


@pytest.mark.parametrize(
    ("name", "closes"), [("SQLITE_IOERR_FSYNC", True), ("SQLITE_BUSY", False), ("SQLITE_FULL", False)]
)
def test_a_sync_that_failed_closes_the_store(
    tmp_path: Path, name: str, closes: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """After a failed sync nobody knows what lies on the disk, so nothing is written until the store is opened anew."""

    async def story() -> None:
        async with opened(tmp_path / "t.db") as store:
            worker = writer_of(store)
            real = worker._connection
            worker._connection = Failing(real, name)  # type: ignore[assignment]
            with pytest.raises(Unavailable) as told:
                await cut(store, "a")
            assert ("unknown" in told.value.detail) is closes
            worker._connection = real
            if closes:
                with pytest.raises(Unavailable):
                    await cut(store, "b")
            else:
                assert (await cut(store, "b")).seq == 1

    run(story)
    assert ("closed" in caplog.text) is closes


def test_too_many_waiting_are_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue of writes is bounded; whoever comes too late is told so and nothing is written for them."""
    monkeypatch.setattr(lanes, "JOBS_MAX", 2)

    async def story() -> None:
        async with opened(tmp_path / "t.db") as store:
            got = await asyncio.gather(*(cut(store, str(n)) for n in range(3)), return_exceptions=True)
            assert [isinstance(one, Unavailable) for one in got] == [False, False, True]
            assert (await store.head()).seq == 2

    run(story)


def test_whoever_stops_waiting_stops_nobody_else(tmp_path: Path) -> None:
    """A caller that is cancelled while its commit is under way leaves the store in order."""

    async def story() -> None:
        async with opened(tmp_path / "t.db") as store:
            task = asyncio.create_task(cut(store, "a"))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await cut(store, "b")).seq in (1, 2)

    run(story)


def test_a_store_that_is_not_open_is_unavailable(tmp_path: Path) -> None:
    """Before it is opened and after it is closed, a store answers nothing."""

    async def story() -> None:
        store = SqliteStore(tmp_path / "t.db")
        for call in (store.head, lambda: cut(store, "a"), lambda: store.recover(ORIGIN)):
            with pytest.raises(Unavailable):
                await call()
        await store.open(SHORT)
        await store.close()
        with pytest.raises(Unavailable):
            await store.head()
        log = store.log()
        for asked in (log.version, log.key_set):
            with pytest.raises(Unavailable):
                asked()

    run(story)
    assert list(tmp_path.iterdir())


def test_the_child_of_a_fork_must_open_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections and threads do not survive a fork: the child is refused, opens anew, and leaves the parent's alone."""

    async def story() -> None:
        async with opened(tmp_path / "t.db") as store:
            log, pid = store.log(), os.getpid()
            log.open()
            inherited = [close.__self__ for close in store._closing], log._reader  # type: ignore[attr-defined]
            lanes_of_parent = store._read_lane, store._write_lane
            with monkeypatch.context() as child:
                child.setattr(os, "getpid", lambda: pid + 1)
                with pytest.raises(Unavailable):
                    await store.head()
                with pytest.raises(Unavailable):
                    log.version()
                assert log.resolve([]) == []
                await store.open(SHORT)
                assert (await cut(store, "by the child")).seq == 1
                assert log.open() == SHORT
                log.close()
                await store.close()
            for lane in lanes_of_parent:
                assert lane is not None
                await lane.stop()
            reader = inherited[1]
            assert reader is not None
            assert reader.execute("PRAGMA data_version").fetchone() is not None
            for one in (*inherited[0], reader):
                one.close()

    run(story)


def test_closing_answers_whoever_still_waits(tmp_path: Path) -> None:
    """A commit that was handed in right before the store is closed is done and answered."""

    async def story() -> None:
        store = SqliteStore(tmp_path / "t.db")
        await store.open(SHORT)
        task = asyncio.create_task(cut(store, "a"))
        await asyncio.sleep(0)
        await store.close()
        assert (await asyncio.wait_for(task, 10)).seq == 1

    run(story)


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    """The database and the files beside it cannot be read by others, whatever the umask says."""

    async def story() -> None:
        async with opened(tmp_path / "deep" / "t.db") as store:
            await cut(store, "a")
            for path in (tmp_path / "deep").iterdir():
                assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name
            assert stat.S_IMODE((tmp_path / "deep").stat().st_mode) == 0o700

    run(story)


def test_building_a_store_touches_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Constructors do no I/O: only a lifespan does."""
    monkeypatch.chdir(tmp_path)
    open_stores("sqlite:///t.db")
    open_log("sqlite:///t.db")
    assert list(tmp_path.iterdir()) == []


# ── migrations ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("UPDATE ts_migration SET checksum = 'other'", "checksum"),
        (
            "INSERT INTO ts_migration (number, name, checksum, applied_at) VALUES (9999, '9999_later.sql', 'x', 1)",
            "newer",
        ),
        ('UPDATE ts_head SET staleness = \'{"lease_s": "x"}\'', "header"),
    ],
)
def test_a_database_of_another_version_is_refused(tmp_path: Path, change: str, word: str) -> None:
    """A migration that was changed after it was applied, or that we do not know, stops the start and changes nothing."""
    path = tmp_path / "t.db"
    run(lambda: _create(path))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(change)
    with pytest.raises(Misconfigured) as told:
        run(lambda: _create(path))
    assert word in told.value.detail


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    """A file that is something else is left as it is."""
    path = tmp_path / "t.db"
    path.write_bytes(b"not a database at all, but long enough to look like one" * 40)
    before = path.read_bytes()
    with pytest.raises(Unavailable):
        run(lambda: _create(path))
    assert path.read_bytes() == before


def test_two_processes_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    """Threads that open the same new file together find one schema, one header, one epoch."""
    failures: list[BaseException] = []

    def start() -> None:
        try:
            run(lambda: _create(tmp_path / "t.db"))
        except Exception as error:  # noqa: BLE001  (the test shows it)
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


# ── other processes ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_log_of_another_process_resolves_cookies(tmp_path: Path) -> None:
    """What `open_log` gives answers what a cookie stands for, from any thread, and sees every commit."""

    async def story() -> None:
        clock = FakeClock()
        stage = Stage(lambda: SqliteStore(tmp_path / "t.db", clock=clock.now, boot=clock.boot), clock)
        await stage.begin()
        await stage.account()
        row = await stage.open(await stage.a_browser())
        digest = row.holder.cookie  # type: ignore[union-attr]
        log = SqliteLog(tmp_path / "t.db", clock=clock.now)
        (here,) = log.resolve([digest])
        (there,) = await asyncio.to_thread(log.resolve, [digest])
        assert here == there
        assert here.view is not None
        assert here.view.id == row.id
        await stage.close_session(row)
        assert log.resolve([digest])[0].because == "ended"
        log.close()
        await stage.end()

    run(story)


def test_a_lost_race_in_a_batch_is_undone_alone(tmp_path: Path) -> None:
    """Commits that share one sync to the disk stay apart: the loser's writes are undone, the winners' are kept."""

    async def story() -> None:
        clock = FakeClock()
        stage = Stage(lambda: SqliteStore(tmp_path / "t.db", clock=clock.now, boot=clock.boot), clock)
        await stage.begin()
        await stage.account()
        rows = [await stage.open(await stage.an_app(f"app {n}")) for n in range(3)]
        stale = replace(rows[2], version=7)
        got = await asyncio.gather(
            stage.commit(UpdateSession(rows[0])),
            stage.commit(UpdateSession(rows[1]), UpdateSession(stale)),
            stage.commit(UpdateSession(rows[2])),
            return_exceptions=True,
        )
        assert [isinstance(one, Exception) for one in got] == [False, True, False]
        assert [(await stage.session(row.id)).version for row in rows] == [2, 1, 2]
        await stage.end()

    run(story)
