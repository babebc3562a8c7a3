"""`tallystick demo`: sets the stage, tells the story, draws the table."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from tallystick.cli import output
from tallystick.cli.demo import report
from tallystick.cli.demo.fleet import Fleet, free_port
from tallystick.cli.demo.steps import Step
from tallystick.cli.demo.story import Story
from tallystick.cli.demo.wire import ADDRESS, HOST
from tallystick.cli.options import with_json
from tallystick.server.settings import Settings
from tallystick.server.wiring import open_authority

DATA = ".tallystick"


@click.command("demo")
@with_json
def demo(as_json: bool) -> int:
    """Tell the whole story with real processes, and check every step.

    A server, a notes API and an export service run as processes of their own in a temporary folder. Exit code 1 if
    anything differs from what the guarantees say.
    """
    began_at = time.monotonic()
    tell: Callable[[Step], None] = _announce if as_json else report.tell
    with tempfile.TemporaryDirectory(prefix="tallystick-demo-") as folder, ending_by_signals():
        steps = _told(Path(folder), tell)
    took_s = time.monotonic() - began_at
    kept = not any(step.problems for step in steps)
    if as_json:
        output.emit({"as_promised": kept, "took_s": round(took_s, 1), "steps": [step.as_json() for step in steps]})
    else:
        report.draw(steps)
    output.say(f"{len(steps)} steps in {took_s:.1f} s: {'everything as promised' if kept else 'NOT as promised'}")
    return output.GOOD if kept else output.REJECTED


def _announce(step: Step) -> None:
    output.say(f"{step.number:2}  {step.title}")


@contextmanager
def ending_by_signals() -> Iterator[None]:
    """Turns SIGTERM and SIGHUP into an ordinary exit, so that the processes are cleaned up then too."""

    def end(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _told(folder: Path, tell: Callable[[Step], None]) -> list[Step]:
    port = free_port()
    issuer, store = f"http://{HOST}:{port}", f"sqlite:///{folder / DATA / 'tallystick.db'}"
    with Fleet(folder) as fleet:
        fleet.start("server", "tallystick.cli.main", port, "serve", "--host", ADDRESS, "--store", store)
        fleet.wait_ready(["server"])
        for name in ("notes", "export"):
            fleet.start(name, f"tallystick.cli.demo.{name}", free_port(), "--issuer", issuer, "--store", store)
        fleet.wait_ready(["notes", "export"])
        return asyncio.run(_story(fleet, store, issuer, folder, tell))


async def _story(fleet: Fleet, store: str, issuer: str, folder: Path, tell: Callable[[Step], None]) -> list[Step]:
    settings = Settings.load(store=store, issuer=issuer, root_key_file=folder / DATA / "root.key")
    async with open_authority(settings) as authority:
        return await Story(fleet, authority, tell).whole()
