"""Gathers facts of this host: files, disks, file systems. It opens nothing and changes nothing."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tallystick.server.doctor.facts import DiskFacts, FileFacts

MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = {r"\040": " ", r"\011": "\t", r"\012": "\n", r"\134": "\\"}


def file_facts(path: Path, problem: str = "") -> FileFacts:
    """Gives the facts of a file or folder.

    Args:
        path: where.
        problem: why its content cannot be used.
    """
    try:
        found = path.stat()
    except OSError:
        return FileFacts(str(path), exists=False, mode=0, problem=problem)
    return FileFacts(str(path), mode=stat.S_IMODE(found.st_mode), problem=problem)


def disk_facts(database: Path, mounts: str | None = None) -> DiskFacts:
    """Gives the facts of the file system that a database lies on.

    Args:
        database: the file; it need not be there yet.
        mounts: what the kernel says is mounted; read from it by default.

    Raises:
        OSError: there is no such folder.
    """
    folder = database.parent.resolve()
    room = os.statvfs(folder)
    text = mounts if mounts is not None else _mounts()
    wanted = [folder, *(one for one in (database, *_companions(database)) if one.exists())]
    writable = not room.f_flag & os.ST_RDONLY and all(os.access(one, os.W_OK, effective_ids=True) for one in wanted)
    return DiskFacts(
        folder=str(folder),
        kind=file_system_of(folder, text),
        free=room.f_bavail * room.f_frsize,
        total=room.f_blocks * room.f_frsize,
        writable=writable,
    )


def file_system_of(folder: Path, mountinfo: str) -> str:
    """Gives the type of the file system that a folder lies on: that of the longest mount point above it.

    Args:
        folder: an absolute path without symbolic links.
        mountinfo: the text of /proc/self/mountinfo; later mounts hide earlier ones at the same place.
    """
    best, kind = -1, "unknown"
    for line in mountinfo.splitlines():
        before, dash, after = line.partition(" - ")
        columns = before.split(" ")
        if not dash or len(columns) < 5:
            continue
        point = Path(_unescaped(columns[4]))
        if folder.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split(" ")[0]
    return kind


def _unescaped(text: str) -> str:
    for code, sign in _OCTAL.items():
        text = text.replace(code, sign)
    return text


def _mounts() -> str:
    try:
        return MOUNTS.read_text()
    except OSError:
        return ""


def _companions(database: Path) -> list[Path]:
    return [database.with_name(database.name + end) for end in ("-wal", "-shm", ".head", ".lock")]
