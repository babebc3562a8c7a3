"""The one page for all processes of a host: whichever is asked answers with the sums over all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from tallystick.errors import TallystickError
from tallystick.observe import catalogue as of
from tallystick.observe.combine import combined
from tallystick.observe.folder import Folder, Gathered
from tallystick.verifier.exposition import page
from tallystick.verifier.metric import Metric, Readings, Series

PEERS_WAIT_S = 0.3
"""How long a scrape waits for the other processes to write; who is stopped is shown with what it wrote last."""
WRITE_EVERY_S = 1.0
"""How much of its counts a process that is killed may take with it, if nobody asked."""
_LOOK_S = 0.005
_log = logging.getLogger("tallystick.observe")

Source = Callable[[], Readings]
AskedSource = Callable[[], Awaitable[Readings]]


class Page:
    """The page, as one process gives it.

    Args:
        folder: where the processes of this host leave their counts.
        boot: gives the boot clock, seconds.
        sources: give what this process has counted.
        asked: give what whoever is asked reads at that moment; one that fails is left out of that page.
    """

    def __init__(
        self, folder: Folder, boot: Callable[[], float], sources: Sequence[Source], asked: Sequence[AskedSource]
    ) -> None:
        self._folder, self._boot, self._sources, self._asked = folder, boot, sources, asked
        self._one_at_a_time = asyncio.Lock()
        self._last: dict[Metric, Series] | None = None
        self._writes_fail = False
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Joins the folder and begins to write.

        Raises:
            Misconfigured: the folder cannot be used.
        """
        await asyncio.to_thread(self._folder.join)
        assert self._folder.asked_fd is not None
        asyncio.get_running_loop().add_reader(self._folder.asked_fd, self._answer)
        self._task = asyncio.create_task(self._write_now_and_then(), name="tallystick-counts")

    async def close(self) -> None:
        """Leaves the folder: what was counted stays."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._folder.asked_fd is not None:
            asyncio.get_running_loop().remove_reader(self._folder.asked_fd)
            try:
                await asyncio.to_thread(self._folder.leave, self._own())
            except (OSError, TallystickError) as error:
                _log.warning("the counts of this process could not be left: %s", type(error).__name__)

    async def scrape(self) -> str:
        """Gives the page. What it shows of this process was written before, so that a kill takes nothing back."""
        async with self._one_at_a_time:
            read, (gathered, silent) = await asyncio.gather(self._read_asked(), self._gather())
        living = {name: one.readings for name, one in gathered.living.items() if one is not None}
        if self._writes_fail:
            living[self._folder.name] = self._own()
        states: Series = {("answering",): len(gathered.living) - silent, ("silent",): silent}
        ours: Readings = {of.WORKERS: states, of.WORKERS_DIED: {(): gathered.died}}
        return page({**combined(living.values(), gathered.ended, of.CATALOGUE), **ours, **read})

    async def _gather(self) -> tuple[Gathered, int]:
        begun = self._boot()
        self._write(self._own())
        waiting = await asyncio.to_thread(self._ask, begun)
        while waiting and self._boot() - begun < PEERS_WAIT_S:
            await asyncio.sleep(_LOOK_S)
            waiting = await asyncio.to_thread(self._owing, begun)
        gathered = await asyncio.to_thread(self._folder.gather)
        owing = [name for name, one in gathered.living.items() if one is None or one.written_at < begun]
        return gathered, len(owing) - (self._writes_fail and self._folder.name in owing)

    def _ask(self, begun: float) -> bool:
        self._folder.ask()
        return self._owing(begun)

    def _owing(self, begun: float) -> bool:
        return any(at < begun for name, at in self._folder.written_at().items() if name != self._folder.name)

    async def _read_asked(self) -> dict[Metric, Series]:
        read: dict[Metric, Series] = {}
        for source in self._asked:
            try:
                read |= await source()
            except TallystickError as error:
                _log.warning("the page of metrics lacks something: %s", error)
        return read

    def _own(self) -> dict[Metric, Series]:
        read: dict[Metric, Series] = {}
        for source in self._sources:
            read |= source()
        return read

    def _answer(self) -> None:
        self._folder.heard()
        self._write(self._own())

    async def _write_now_and_then(self) -> None:
        while True:
            own = self._own()
            if own != self._last:
                self._write(own)
            await asyncio.sleep(WRITE_EVERY_S)

    def _write(self, own: dict[Metric, Series]) -> None:
        try:
            self._folder.write(own)
        except OSError as error:
            if not self._writes_fail:
                _log.error("the counts of this process cannot be written: %s", error.strerror)
            self._writes_fail = True
        else:
            self._writes_fail, self._last = False, own
