"""Which entries of the log may be forgotten, and why no verifier needs them.

Theory of operation. A snapshot is a fold: a verifier that starts from it must refuse everything that one which has seen
the whole log refuses. Three kinds of entries may be left out.

1. Superseded: another entry with the same verdict on the same name comes later. The later position covers whatever the
   earlier one covers, since every rule but the absolute ones says "older than this", and the absolute ones say "always".
   An ended session needs no second word, and a request to look at it again says less than its ending.
2. Covers everything: the entry says of everything older than it what the floor says, so it becomes the floor.
3. Older than the retention R. What it covers was minted before it, by an issuer whose clock is at most `issuer_skew` off
   the store's, and lives at most as long as the longest access token or near-cache entry; a verifier accepts it for
   `leeway` more and stops within LS. R is the sum, so in a world with right clocks nothing is left that it covers. In a
   world with wrong clocks the floor holds: it rises to the newest entry forgotten, and everything minted before that is
   outdated, which costs an honest holder one refresh and gives a thief nothing.

Never forgotten: entries for keys. A key that was lost can sign new tokens at any time, with any position in them.
"""

from __future__ import annotations

from collections.abc import Iterable

from tallystick.core.revocation.entry import ORIGIN, Kind, Position, Revocation

_SAME_VERDICT = {Kind.OUTDATED_PRINCIPAL: Kind.PRINCIPAL}
_EVERYTHING = (Kind.ALL, Kind.OUTDATED_ALL)


def is_forgettable(entry: Revocation, now: int, retention_s: int) -> bool:
    """Tells whether an entry may be forgotten for its age, provided that the floor rises to its position.

    Args:
        entry: the entry.
        now: the store's clock, whole seconds.
        retention_s: R of the log header.
    """
    return entry.ending.kind is not Kind.KEY and entry.appended_at + retention_s < now


def compact(
    entries: Iterable[Revocation], now: int, retention_s: int, floor: Position = ORIGIN
) -> tuple[tuple[Revocation, ...], Position]:
    """Leaves out what no verifier needs.

    Args:
        entries: the history that is still there, in order of position.
        now: the store's clock, whole seconds.
        retention_s: R of the log header.
        floor: the floor so far: the newest position that was ever forgotten for its age.

    Returns:
        What stays, in order of position, and the floor.
    """
    newest: dict[tuple[Kind, str], Revocation] = {}
    for entry in entries:
        kind, name = entry.ending.kind, entry.ending.name
        if kind in _EVERYTHING or is_forgettable(entry, now, retention_s):
            floor = max(floor, entry.position)
        else:
            newest[_SAME_VERDICT.get(kind, kind), name] = entry
    kept = (
        entry
        for (kind, name), entry in newest.items()
        if kind is not Kind.OUTDATED_SESSION or (Kind.SESSION, name) not in newest
    )
    return tuple(sorted(kept, key=lambda entry: entry.position)), floor
