"""Kills a process at a statement of an act, and compares what is left with what a whole commit leaves."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tallystick.stores.sql import failpoint
from tests.support import commits
from tests.support.embedded import NETWORK, PASSWORD, embedded
from tests.support.forked import Child, Pipe

HEAR_S = 60.0
Contents = dict[str, list[tuple[Any, ...]]]


def stage_work(folder: str, now: int, pipe: Pipe) -> None:
    """Sets the stage and says its notes."""
    pipe.send(asyncio.run(commits.prepare(Path(folder), now)))


def first_work(folder: str, pipe: Pipe) -> None:
    """Opens the authority in a folder, whatever is there or not, and makes an account; says when it begins and ends."""

    async def run() -> None:
        async with embedded(Path(folder)) as authority:
            await authority.sign_up(f"{random.randbytes(6).hex()}@example.com", PASSWORD, network=NETWORK)

    pipe.send("begun")
    asyncio.run(run())
    pipe.send("done")


def watch_work(folder: str, now: int, act: str, notes: commits.Notes, pipe: Pipe) -> None:
    """Does an act undisturbed; says the points where it can be stopped, and what every commit left."""
    points, states = list[str](), list[Contents]()

    def watch(point: str) -> None:
        points.append(point)
        if point == failpoint.AFTER_COMMIT:
            states.append(commits.contents(database(Path(folder))))

    asyncio.run(_act(folder, now, act, notes, watch))
    pipe.send((points, states))


def die_work(folder: str, now: int, act: str, notes: commits.Notes, point: int, pipe: Pipe) -> None:
    """Does an act and is killed at a point of it; says `survived` if there was no such point."""
    asyncio.run(_act(folder, now, act, notes, failpoint.dies_at(str(point))))
    pipe.send("survived")


async def _act(folder: str, now: int, act: str, notes: commits.Notes, hook: Callable[[str], None]) -> None:
    async with commits.at_work(Path(folder), now, act) as authority:
        failpoint.hook = hook
        await commits.ACTS[act](authority, notes)
        failpoint.hook = None


def judge_work(folder: str, now: int, notes: commits.Notes, pipe: Pipe) -> None:
    """Opens the store again and says which of the stage's credentials are accepted."""

    async def run() -> dict[str, bool]:
        async with commits.at_work(Path(folder), now, "judge") as authority:
            return await commits.acceptances(authority, notes)

    pipe.send(asyncio.run(run()))


def database(folder: Path) -> Path:
    """Gives the file of the database in a folder."""
    return folder / "tallystick.db"


def copied(stage: Path, to: Path) -> Path:
    """Copies a stage, so that an act has one of its own."""
    shutil.copytree(stage, to)
    return to


def heard(work: object, *arguments: object) -> Any:
    """Runs a child to its end and gives what it said."""
    child = Child(work, *arguments)
    try:
        said = child.hear(HEAR_S)
    finally:
        code = child.ended(HEAR_S)
    assert code == 0, f"the child ended with {code}"
    return said
