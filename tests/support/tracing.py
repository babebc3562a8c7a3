"""Reads what strace saw of a process: whether a file was synced between a request and its answer."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

CALLS = "fsync,fdatasync,read,recvfrom,recvmsg,write,writev,sendto,sendmsg"
_LINE = re.compile(r"^(?P<thread>\d+) +(?P<rest>.*)$")
_SYNC = re.compile(r"^(?:fsync|fdatasync)\(\d+<(?P<path>[^>]*)>\)? *(?P<end>= 0|<unfinished \.\.\.>)")
_SENDS = re.compile(r"^(?:write|writev|sendto|sendmsg)\(")
_SYNC_RESUMED = re.compile(r"^<\.\.\. (?:fsync|fdatasync) resumed>\) *= 0")


def strace_words(output: Path) -> list[str]:
    """Gives the words to put before a command; fails the test when strace is not installed."""
    found = shutil.which("strace")
    assert found, "strace is not installed: `make test` installs it, or type `tools/system-packages strace`"
    return [
        found,
        "-f",
        "--seccomp-bpf",
        "-y",
        "-s",
        "256",
        "-e",
        f"trace={CALLS}",
        "-e",
        "signal=none",
        "-o",
        str(output),
    ]


@dataclass(frozen=True, slots=True)
class Window:
    """What happened between two lines of a trace.

    Args:
        begun: a line was found that holds the first text.
        ended: after it, a line that holds the second.
        synced: the files that were synced in between, completely.
    """

    begun: bool
    ended: bool
    synced: tuple[str, ...]


def between(trace: str, begin: str, end: str) -> Window:
    """Looks for the last line with one text, the first line with another after it, and syncs in between.

    Args:
        trace: what strace wrote.
        begin: such as `POST /oauth/token`; the empty text for the beginning of the trace.
        end: such as `HTTP/1.1 200`.
    """
    lines = trace.splitlines()
    first = 0 if not begin else max((at for at, line in enumerate(lines) if begin in line), default=-1)
    if first < 0:
        return Window(False, False, ())
    synced, pending = list[str](), dict[str, str]()
    for line in lines[first:]:
        split = _LINE.match(line)
        if split is None:
            continue
        if end in line and _SENDS.match(split["rest"]):
            return Window(True, True, tuple(synced))
        if found := _SYNC.match(split["rest"]):
            if found["end"] == "= 0":
                synced.append(found["path"])
            else:
                pending[split["thread"]] = found["path"]
        elif _SYNC_RESUMED.match(split["rest"]) and split["thread"] in pending:
            synced.append(pending.pop(split["thread"]))
    return Window(True, False, tuple(synced))
