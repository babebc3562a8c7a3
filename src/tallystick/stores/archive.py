"""The log as an operator archives it: JSON lines, read strictly, and proof that nothing is missing in between.

    {"from": "1.42", "chain": "<32 hex digits>"}
    {"position": "1.43", "kind": "session", "name": "…", "appended_at": 1700000000, "chain": "<32 hex digits>"}

The first form is an anchor: what follows it continues the log from that place. The second is an entry, as `tallystick log
follow` prints it. An archive continues a backup when it has every entry after the backup's head, each chained to the one
before, up to its own last line. Lines of before the backup are passed over. A new epoch cannot be continued into: how far
the old one went is not known from the new one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from tallystick.core.revocation.entry import Ending, Kind, Position, Revocation, link
from tallystick.errors import BackupRefused

LINE_MAX = 1024
_CHAIN = re.compile(r"[0-9a-f]{32}")
_ENTRY = {"position", "kind", "name", "appended_at", "chain"}
_ANCHOR = {"from", "chain"}
_KINDS = {kind.name.lower(): kind for kind in Kind}


class Anchor(tuple[Position, bytes]):
    """A place from which an archive goes on: position and chain."""

    __slots__ = ()


def written(entry: Revocation) -> dict[str, object]:
    """Gives an entry as it is printed: its position, what it ends, when it was appended, and the chain up to it."""
    return {
        "position": entry.position.text(),
        "kind": entry.ending.kind.name.lower(),
        "name": entry.ending.name,
        "appended_at": entry.appended_at,
        "chain": entry.chain.hex(),
    }


def anchored(position: Position, chain: bytes) -> dict[str, object]:
    """Gives an anchor as it is written."""
    return {"from": position.text(), "chain": chain.hex()}


def read_line(text: str) -> Revocation | Anchor:
    """Reads one line.

    Raises:
        ValueError: it is none; the message never repeats it.
    """
    if len(text) > LINE_MAX:
        raise ValueError("it is too long")
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if type(found) is not dict or found.keys() not in (_ENTRY, _ANCHOR):
        raise ValueError("it is neither an entry nor an anchor")
    place, chain = Position.parse(str(found.get("position", found.get("from")))), found["chain"]
    if place is None or type(chain) is not str or not _CHAIN.fullmatch(chain):
        raise ValueError("it has no position or no chain")
    if "from" in found:
        return Anchor((place, bytes.fromhex(chain)))
    kind, name, at = _KINDS.get(found["kind"]), found["name"], found["appended_at"]
    if kind is None or type(name) is not str or type(at) is not int or at < 0:
        raise ValueError("it names no ending")
    return Revocation(place, Ending(kind, name), at, bytes.fromhex(chain))


def continued(lines: Iterable[str], head: Position, chain: bytes) -> tuple[Revocation, ...]:
    """Gives the entries of an archive that continue a log, without a gap.

    Args:
        lines: of the archive; a last line that was torn by a crash is passed over, and empty ones are.
        head: the last position of what is to be continued.
        chain: its chain there.

    Raises:
        BackupRefused: something is missing, altered, in another order, or of another log; the message names the line.
    """
    found: list[Revocation] = []
    at, before = head, chain
    texts = [(number, text.strip()) for number, text in enumerate(lines, 1) if text.strip()]
    for number, text in texts:
        try:
            one = read_line(text)
        except ValueError as error:
            if number == texts[-1][0] and not text.endswith("}"):
                break
            raise BackupRefused(f"line {number} of the log cannot be read: {error}") from None
        if isinstance(one, Anchor):
            _demand_met(number, one[0], one[1], at, before)
        elif one.position <= at:
            if one.position == at and one.chain != before:
                raise BackupRefused(f"line {number} of the log contradicts the backup: it is the log of another store")
        else:
            _demand_next(number, one, at, before)
            found.append(one)
            at, before = one.position, one.chain
    return tuple(found)


def _demand_met(number: int, place: Position, chain: bytes, at: Position, before: bytes) -> None:
    if place > at:
        raise BackupRefused(f"line {number} of the log begins after {at.text()}: what lies between is missing")
    if place == at and chain != before:
        raise BackupRefused(f"line {number} of the log contradicts the backup: it is the log of another store")


def _demand_next(number: int, entry: Revocation, at: Position, before: bytes) -> None:
    if entry.position.epoch != at.epoch:
        raise BackupRefused(
            f"line {number} of the log begins a new epoch: how far the old one went is not known; restore without --log"
        )
    if entry.position.seq != at.seq + 1:
        raise BackupRefused(f"line {number} of the log comes after {at.text()} with a gap: entries are missing")
    if link(before, entry.position, entry.ending, entry.appended_at) != entry.chain:
        raise BackupRefused(f"line {number} of the log was altered, or is of another store: its chain does not fit")
