"""How a process is watched: events reach every taker, the store is timed, and trouble of a watcher harms nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tallystick import open_stores
from tallystick.core.ids import ClientId, PrincipalId
from tallystick.core.session.decision import Event
from tallystick.errors import Unavailable
from tallystick.observe import catalogue as of
from tallystick.observe.asked import StoreReadings
from tallystick.observe.counts import Counts
from tallystick.observe.fan import Fan
from tallystick.observe.folder import Folder
from tallystick.observe.metered_store import metered
from tallystick.observe.metering import Metering
from tallystick.observe.page import Page
from tallystick.verifier.clocks import SYSTEM
from tallystick.verifier.metric import Readings, Timed
from tests.docs.test_reference_events import told
from tests.support.scraping import parsed, total


class Broken:
    """A taker that cannot take anything."""

    def tell(
        self, events: Sequence[Event], *, principal: PrincipalId | None = None, client: ClientId | None = None
    ) -> None:
        """Fails."""
        raise OSError("a full disk")


def test_a_taker_that_fails_harms_neither_the_others_nor_the_request() -> None:
    """Whoever tells an event never hears of a watcher's trouble, and the other watchers hear the event."""
    counts, lost = Counts(of.COUNTED), []
    fan = Fan([Broken(), Metering(counts), Broken()], lambda: lost.append(1))
    fan.tell((Event("refresh.rotated"),))
    fan.tell(())
    assert counts.readings()[of.REFRESHES]["rotated",] == 1
    assert len(lost) == 2


def test_every_event_can_be_counted() -> None:
    """An event with the words that the source gives it raises nothing, and those that mean something raise a count."""
    counts = Counts(of.COUNTED)
    metering = Metering(counts)
    for name, facts in told().items():
        metering.tell((Event(name, None, tuple((fact, "1") for fact in facts)),))
    read = counts.readings()
    for metric in (of.AUTHENTICATIONS, of.AUTHENTICATION_FAILURES, of.THROTTLED, of.SESSIONS_ENDED, of.JOBS_FAILED):
        assert sum(value for value in read[metric].values() if isinstance(value, int | float)) >= 1, metric.name
    assert read[of.EVERYWHERE_BOUND] == {(): 1}


def test_the_store_is_timed_and_its_errors_counted(tmp_path: Path) -> None:
    """Each operation is timed by its kind, and an error is counted by its kind and goes on to whoever asked."""
    counts = Counts(of.COUNTED)
    store = metered(open_stores(f"sqlite:///{tmp_path / 'a.db'}"), counts)

    async def story() -> None:
        with pytest.raises(Unavailable):
            await store.head()
        from tallystick.core.policy import DEFAULT

        await store.open(DEFAULT.staleness)
        await store.head()
        await store.keys()
        await store.close()

    asyncio.run(story())
    seconds, errors = counts.readings()[of.STORE_SECONDS], counts.readings()[of.STORE_ERRORS]
    assert isinstance(seconds["log",], Timed)
    assert sum(seconds["log",].counts) == 2
    assert errors["log", "unavailable"] == 1
    assert store.log() is not None


def test_a_page_comes_even_when_the_store_does_not(tmp_path: Path) -> None:
    """Trouble with the store leaves its numbers out, and everything else is on the page."""
    counts = Counts(of.COUNTED)
    counts.add(of.AUTHENTICATIONS, "password")

    async def trouble() -> Readings:
        raise Unavailable("the store is in trouble")

    async def build() -> Readings:
        return {of.BUILD: {("1", "3"): 1}}

    async def story() -> str:
        page = Page(
            Folder(tmp_path / "run", of.CATALOGUE, SYSTEM.boot), SYSTEM.boot, (counts.readings,), (trouble, build)
        )
        await page.open()
        try:
            return await page.scrape()
        finally:
            await page.close()

    found = parsed(asyncio.run(story()))
    assert total(found, "tallystick_authentications_total", method="password") == 1
    assert total(found, "tallystick_build_info") == 1
    assert total(found, "tallystick_keys") == 0


def test_a_full_disk_does_not_take_the_page_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When counts cannot be written, the page shows what this process knows."""
    counts = Counts(of.COUNTED)
    folder = Folder(tmp_path / "run", of.CATALOGUE, SYSTEM.boot)

    def full(readings: Readings) -> None:
        raise OSError(28, "No space left on device")

    async def story() -> str:
        page = Page(folder, SYSTEM.boot, (counts.readings,), ())
        await page.open()
        try:
            with monkeypatch.context() as patch:
                patch.setattr(folder, "write", full)
                counts.add(of.AUTHENTICATIONS, "password", by=3)
                return await page.scrape()
        finally:
            await page.close()

    found = parsed(asyncio.run(story()))
    assert total(found, "tallystick_authentications_total", method="password") == 3
    assert total(found, "tallystick_workers", state="answering") == 1


def test_a_memory_store_is_watched_too(tmp_path: Path) -> None:
    """Keys, heads and verifiers are read from any store."""
    from tallystick.core.policy import DEFAULT
    from tallystick.crypto.clocks import SystemClock

    notes: list[object] = [None]

    def note(change: object) -> object:
        notes[0] = change(notes[0])  # type: ignore[operator]
        return notes[0]

    async def story() -> Readings:
        store = open_stores("memory://")
        await store.open(DEFAULT.staleness)
        read = StoreReadings(store, SystemClock(), DEFAULT, note, "1")
        found = {**await read.keys(), **await read.heads(), **await read.verifiers(), **await read.build()}
        await store.close()
        return found

    found = asyncio.run(story())
    assert found[of.LOG_HEAD] == {(): 0}
    assert found[of.KEY_STEP] == {("begin",): 0}
    assert found[of.VERIFIERS] == {}
