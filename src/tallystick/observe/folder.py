"""A private folder in which the processes of one host leave their counts for each other.

Theory of operation. Each process has three files: `<id>.lock`, which it holds locked (flock) as long as it lives, so that
no process id that is used again can be taken for it; `<id>.ask`, a named pipe by which others ask it to write; and
`<id>.json`, its snapshot, replaced whole. What one process shows to the world it has first written here, so a kill takes
nothing back that was shown. Whoever gathers finds the locks of the dead free, adds their counters to `ended.json`, which
also names them, and removes their files; a kill in between leaves a name in `ended.json` whose files are only removed. All
of that happens under one lock, so a reader sees each process once: living, or among the ended.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tallystick.errors import Misconfigured, Unavailable
from tallystick.observe import snapshot as form
from tallystick.observe.combine import buried
from tallystick.observe.snapshot import Snapshot
from tallystick.verifier.metric import Metric, Readings

ENDED = "ended.json"
NOTES = "notes.json"
MASTER = "lock"
LOCK_WAIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Gathered:
    """What lies in the folder.

    Args:
        living: process → its snapshot; None if it has not written one.
        ended: what those counted that have ended.
        died: how many of them ended without saying so.
    """

    living: Mapping[str, Snapshot | None]
    ended: Readings
    died: int


@dataclass(frozen=True, slots=True)
class _Ended:
    readings: Readings
    died: int
    names: tuple[str, ...]


class Folder:
    """The folder, as one process sees it. Its methods do file I/O; `join` comes first, `leave` last.

    Args:
        path: of the folder; made with mode 0700.
        metrics: what is declared.
        boot: gives the boot clock, seconds; the same for all processes of a host.
    """

    def __init__(self, path: Path, metrics: tuple[Metric, ...], boot: Callable[[], float]) -> None:
        self._path, self._metrics, self._boot = path, metrics, boot
        self._held: int | None = None
        self.asked_fd: int | None = None
        self.name = ""

    def join(self) -> None:
        """Makes this process's files.

        Raises:
            Misconfigured: the folder belongs to somebody else, or others may write into it.
            OSError: it cannot be made.
        """
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self._path.stat()
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise Misconfigured(f"{self._path} must belong to whoever serves and be open to nobody else (chmod 700)")
        self.name = f"{os.getpid()}-{os.urandom(4).hex()}"
        with self._locked():
            self._held = os.open(self._own("lock"), os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._held, fcntl.LOCK_EX)
            os.mkfifo(self._own("ask"), 0o600)
            # Opened for both, so that it never ends when whoever asked closes it.
            self.asked_fd = os.open(self._own("ask"), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def write(self, readings: Readings) -> None:
        """Leaves what this process has counted."""
        self._replace(f"{self.name}.json", form.written(Snapshot(self._boot(), readings)))

    def ask(self) -> None:
        """Asks every other process to write; one that is stopped or gone does not answer."""
        for path in self._path.glob("*.ask"):
            if path.stem != self.name:
                with suppress(OSError):
                    _poke(path)

    def heard(self) -> None:
        """Empties the pipe by which this process was asked."""
        with suppress(BlockingIOError):
            while self.asked_fd is not None and os.read(self.asked_fd, 4096):
                pass

    def written_at(self) -> Mapping[str, float]:
        """Gives each living or dead process that has files, and when it wrote last (boot clock, seconds)."""
        found = {path.stem: self._snapshot(path.stem) for path in self._path.glob("*.lock")}
        return {name: one.written_at if one is not None else float("-inf") for name, one in found.items()}

    def gather(self) -> Gathered:
        """Gives what all processes have counted; those that have died since are added to the ended."""
        with self._locked():
            ended = self._ended()
            names = sorted(path.stem for path in self._path.glob("*.lock"))
            living = [name for name in names if name not in ended.names and self._lives(name)]
            dead = [name for name in names if name not in living]
            if dead:
                ended = self._bury(ended, dead)
            return Gathered({name: self._snapshot(name) for name in living}, ended.readings, ended.died)

    def note(self, change: Callable[[Any], Any]) -> Any:
        """Replaces a note that the processes share by what a pure function makes of it; gives the new one.

        Args:
            change: takes the note (JSON; None if there is none) and gives the next.
        """
        with self._locked():
            changed = change(self._json(NOTES))
            self._replace(NOTES, json.dumps(changed))
            return changed

    def leave(self, readings: Readings) -> None:
        """Adds this process's counters to the ended and removes its files."""
        self.write(readings)
        with self._locked():
            ended = self._ended()
            if self.name not in ended.names:
                self._bury(ended, [self.name], said=True)
        for fd in (self.asked_fd, self._held):
            if fd is not None:
                os.close(fd)
        self.asked_fd = self._held = None

    def _bury(self, ended: _Ended, dead: list[str], *, said: bool = False) -> _Ended:
        readings, died = ended.readings, ended.died
        for name in dead:
            if name not in ended.names:
                found = self._snapshot(name)
                readings = buried(readings, found.readings) if found is not None else readings
                died += not said
        buried_now = _Ended(readings, died, tuple(dead))
        text = form.written(Snapshot(self._boot(), readings))
        self._replace(ENDED, json.dumps({"names": dead, "died": died, "snapshot": text}))
        for name in dead:
            left = list(self._path.glob(f"*.{name}.new"))
            for path in (*left, *(self._path / f"{name}.{kind}" for kind in ("json", "ask", "lock"))):
                path.unlink(missing_ok=True)
        return buried_now

    def _ended(self) -> _Ended:
        match self._json(ENDED):
            case {"names": list(names), "died": int(died), "snapshot": str(text)}:
                found = form.read(text, self._metrics)
                return _Ended(found.readings if found is not None else {}, died, tuple(map(str, names)))
            case _:
                return _Ended({}, 0, ())

    def _lives(self, name: str) -> bool:
        # A lock belongs to the open file: this process's own is held against a second descriptor too.
        try:
            fd = os.open(self._path / f"{name}.lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def _snapshot(self, name: str) -> Snapshot | None:
        try:
            return form.read((self._path / f"{name}.json").read_text(), self._metrics)
        except (FileNotFoundError, UnicodeDecodeError):
            return None

    def _json(self, name: str) -> Any:
        try:
            return json.loads((self._path / name).read_text())
        except (FileNotFoundError, ValueError):
            return None

    def _own(self, kind: str) -> Path:
        return self._path / f"{self.name}.{kind}"

    def _replace(self, name: str, text: str) -> None:
        beside = self._path / f"{name}.{self.name}.new"
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
            file.write(text)
        beside.replace(self._path / name)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fd = os.open(self._path / MASTER, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            _lock_in_time(fd)
            yield
        finally:
            os.close(fd)


def _lock_in_time(fd: int) -> None:
    # Whoever holds it does so for a moment, unless it was stopped just then: nobody waits for that.
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Unavailable("another process holds the lock of the run folder") from None
            time.sleep(0.002)
        else:
            return


def _poke(path: Path) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.write(fd, b"?")
    finally:
        os.close(fd)
