"""`tallystick log`: the revocation log, exactly as a verifier sees it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from types import FrameType

import click

from tallystick.cli import output
from tallystick.cli.archive import keep
from tallystick.cli.options import settings_of, with_store
from tallystick.core.revocation.entry import ORIGIN, Position, Revocation
from tallystick.core.revocation.feed import Beat, Log, Snapshot
from tallystick.stores.archive import written
from tallystick.stores.open import open_log

WAIT_S = 1.0
"""How long one wait for news lasts at most."""
NONCE_BYTES = 16


@click.group()
def log() -> None:
    """The revocation log."""


@log.command("follow")
@click.option("--from", "start", metavar="POSITION", help="Only what comes after this one, such as 1.42.")
@click.option("--no-wait", is_flag=True, help="End at the head of the log instead of waiting for more.")
@click.option("--archive", metavar="FILE", help="Add to this file what comes after its last line, for a restore.")
@click.option("--json", "_", is_flag=True, expose_value=False, help="Write JSON lines, which it always does.")
@with_store
def follow(start: str | None, no_wait: bool, archive: str | None, store: str | None) -> None:
    """Show what a verifier sees: the entries that still matter, then every new one; JSON lines."""
    if archive is not None and start is not None:
        raise click.UsageError("an archive knows itself from where it goes on: leave out --from")
    after = ORIGIN if start is None else Position.parse(start)
    if after is None:
        raise click.UsageError("a position is two numbers with a dot between them, such as 1.42")
    source = open_log(settings_of(store).store)
    stop = Event()

    def enough(_: int, __: FrameType | None) -> None:
        stop.set()
        source.wake()

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, enough)
    source.open()
    try:
        if archive is not None:
            keep(source, Path(archive), stop, wait=not no_wait)
            return
        for entry in entries(source, stop, wait=not no_wait):
            if entry.position > after:
                output.emit(written(entry))
    finally:
        source.close()


def entries(source: Log, stop: Event, *, wait: bool) -> Iterator[Revocation]:
    """Gives the entries of a snapshot and then of beats, without registering: nobody's `everywhere` waits for it.

    Args:
        source: an open log.
        stop: set when it is enough.
        wait: go on at the head of the log.
    """
    applied, number = _begin(source), 0
    yield from applied.entries
    at, chain = applied.position, applied.chain
    while not stop.is_set():
        number, version = number + 1, source.version()
        answer = source.beat(Beat("", number, os.urandom(NONCE_BYTES), at, chain, at))
        if answer.forked or answer.below_tail:
            output.say("the log was restored or has moved on: starting anew from a snapshot")
            applied = _begin(source)
            yield from (entry for entry in applied.entries if entry.position > at)
            at, chain = applied.position, applied.chain
            continue
        for entry in answer.entries:
            yield entry
            at, chain = entry.position, entry.chain
        if not answer.more:
            if not wait:
                return
            source.wait(version, WAIT_S)


def _begin(source: Log) -> Snapshot:
    snapshot = source.snapshot()
    output.say(f"following from {snapshot.position.text()}")
    return snapshot
