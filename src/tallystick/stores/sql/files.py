"""The files of a SQLite database: which one it is, the writer's lock beside it, and the mark of how far the log went."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tallystick.core.revocation.entry import CHAIN_BYTES, Position
from tallystick.errors import Unavailable

LOCK_WAIT_S = 5.0
"""A writer that does not get the lock within this gives up; nothing was written."""
_POLL_S = (0.0001, 0.002)
_SLOT = 128


def identity_of(path: Path) -> tuple[int, int]:
    """Gives what tells a file from one that was put in its place; raises Unavailable if there is none.

    It asks for the path and never opens the file: closing any descriptor of it would drop SQLite's own locks.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise Unavailable(f"the database file is not there: {error.strerror}") from None
    return found.st_dev, found.st_ino


def create_private(path: Path) -> None:
    """Makes sure that a file exists; a new one, and its folder, are for nobody else to read."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise Unavailable(f"cannot create {path}: {error.strerror}") from None


class WriterLock:
    """An exclusive lock of the host (`flock`) that a writer holds around its transaction.

    SQLite's own waiting lets writers starve each other and, worse, followers that beat; this queue does not. Processes
    and threads that each have their own WriterLock exclude one another; the kernel frees it when a process dies.

    Args:
        path: the lock file; created when it is first taken.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    @contextmanager
    def held(self, wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
        """Holds the lock; raises Unavailable if it is not free in time."""
        fd = self._fd if self._fd is not None else self._open()
        deadline, pause = 0.0, _POLL_S[0]
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                now = time.monotonic()
                deadline = deadline or now + wait_s
                if now >= deadline:
                    raise Unavailable(f"another writer has held the lock for {wait_s:g} s") from None
                time.sleep(pause)
                pause = min(pause * 1.5, _POLL_S[1])
        try:
            yield
        finally:
            fcntl.flock(fd, fcntl.LOCK_UN)

    def _open(self) -> int:
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(f"cannot open {self._path}: {error.strerror}") from None
        return self._fd

    def close(self) -> None:
        """Closes the lock file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class Use:
    """Who has a store open: any number of processes that use it, or one that puts another database in its place.

    It is the kernel's lock (`flock`), so a process that dies leaves nothing behind.

    Args:
        path: the lock file; created when it is first taken.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def enter(self) -> Callable[[], None]:
        """Says that this process uses the store; gives what ends that. Raises Unavailable while it is being replaced."""
        return self._take(fcntl.LOCK_SH, "the store is being restored")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Holds the store alone; raises Unavailable while anybody uses it."""
        leave = self._take(fcntl.LOCK_EX, "the store is in use: stop the server, and every other command on it, first")
        try:
            yield
        finally:
            leave()

    def _take(self, how: int, why_not: str) -> Callable[[], None]:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(f"cannot open {self._path}: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Unavailable(why_not) from None
        return _Taken(descriptor).close


class _Taken:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def close(self) -> None:
        os.close(self._descriptor)


class Mark:
    """A small file beside the database that says how far the log went, so that an older copy put back is noticed.

    It is written after a commit and before its answer, under the writer's lock, in two slots by turns: it is never ahead
    of the database, and a write that was torn leaves the other slot. It is not synced: after a loss of power it may be
    behind, which is harmless.

    Args:
        path: where it lies.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[Position, bytes] | None:
        """Gives the furthest position that was marked, with the chain there; None if nothing was."""
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"cannot read {self._path}: {error.strerror}") from None
        slots = (_unpacked(raw[start : start + _SLOT]) for start in (0, _SLOT))
        return max((slot for slot in slots if slot is not None), default=None)

    def write(self, position: Position, chain: bytes) -> None:
        """Marks a position; raises OSError if it cannot."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(fd, _packed(position, chain), _SLOT * (position.seq % 2))
        finally:
            os.close(fd)

    def restart(self, position: Position, chain: bytes) -> None:
        """Marks the position with which an epoch begins; raises OSError if it cannot."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(fd, _packed(position, chain) * 2, 0)
        finally:
            os.close(fd)


def _packed(position: Position, chain: bytes) -> bytes:
    text = f"{position.text()} {chain.hex()}"
    return f"{text} {_checksum(text)}".ljust(_SLOT - 1).encode() + b"\n"


def _unpacked(raw: bytes) -> tuple[Position, bytes] | None:
    parts = raw.decode("ascii", "replace").split()
    if len(parts) != 3 or _checksum(f"{parts[0]} {parts[1]}") != parts[2]:
        return None
    position, chain = Position.parse(parts[0]), bytes.fromhex(parts[1])
    return None if position is None or len(chain) != CHAIN_BYTES else (position, chain)


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
