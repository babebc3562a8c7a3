"""The archive of the log: a file that is added to, from its own last line on, without a gap."""

from __future__ import annotations

import json
import os
from io import BufferedRandom
from pathlib import Path
from threading import Event

from tallystick.cli import output
from tallystick.core.revocation.entry import Position
from tallystick.core.revocation.feed import Beat, Log
from tallystick.errors import BackupRefused
from tallystick.stores.archive import LINE_MAX, Anchor, anchored, read_line, written

WAIT_S = 1.0
NONCE_BYTES = 16


def keep(source: Log, path: Path, stop: Event, *, wait: bool) -> None:
    """Adds what comes after the last line of an archive; each entry is on the disk before the next is waited for.

    Args:
        source: an open log.
        path: the archive; made with mode 0600, and begun at the head of the log, if there is none.
        stop: set when it is enough.
        wait: go on at the head of the log.

    Raises:
        BackupRefused: the log does not go on from the archive's last line; begin another archive after a new backup.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        at, chain = _last(file) or _begin(source, file)
        output.say(f"archiving from {at.text()}")
        number = 0
        while not stop.is_set():
            number, version = number + 1, source.version()
            answer = source.beat(Beat("", number, os.urandom(NONCE_BYTES), at, chain, at))
            if answer.forked or answer.below_tail:
                raise BackupRefused(
                    f"the log does not go on from {at.text()}: make a backup, and begin another archive"
                )
            for entry in answer.entries:
                _add(file, written(entry))
                at, chain = entry.position, entry.chain
            if answer.entries:
                _sync(file)
            if not answer.more:
                if not wait:
                    return
                source.wait(version, WAIT_S)


def _last(file: BufferedRandom) -> tuple[Position, bytes] | None:
    """Gives where an archive ends; cuts off a last line that a crash has torn."""
    end = file.seek(0, os.SEEK_END)
    start = max(0, end - 2 * LINE_MAX)
    file.seek(start)
    tail = file.read()
    whole = tail.rfind(b"\n") + 1
    file.seek(start + whole)
    file.truncate()
    lines = tail[:whole].splitlines()
    if not lines:
        return None
    try:
        found = read_line(lines[-1].decode())
    except ValueError as error:
        raise BackupRefused(f"the last line of the archive cannot be read: {error}") from None
    return (found[0], found[1]) if isinstance(found, Anchor) else (found.position, found.chain)


def _begin(source: Log, file: BufferedRandom) -> tuple[Position, bytes]:
    snapshot = source.snapshot()
    _add(file, anchored(snapshot.position, snapshot.chain))
    _sync(file)
    return snapshot.position, snapshot.chain


def _add(file: BufferedRandom, line: dict[str, object]) -> None:
    file.write(json.dumps(line).encode() + b"\n")


def _sync(file: BufferedRandom) -> None:
    file.flush()
    os.fsync(file.fileno())
