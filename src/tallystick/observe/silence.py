"""Which registered verifiers answer, and which fell silent. Pure; the note that it folds is plain JSON.

Theory of operation. Where beats are not written (SQLite), a row of the registry says nothing about whether its verifier
still runs. So a scrape asks: it has the store doubt the rows (see `stores/doubts.py`), which costs one write, and a verifier
that lives registers again at once, for every commit wakes it, and at the latest with its next beat. Whoever has not done
so after ANSWER_S is silent: killed, stopped, or cut off. Nothing is decided by this; leases and `everywhere` do not look
at it, and one that comes back is answering again. What fell silent and was then removed by the sweeper stays in the note
for a quarter of an hour, so that a chart and an alert can see it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from tallystick.observe import catalogue as of
from tallystick.ports import Registered
from tallystick.verifier.metric import Labels, Readings, Value
from tallystick.verifier.metrics import name_of

ANSWER_S = 1.5
"""A verifier that was asked so long ago and has not registered again is silent: a beat (1 s), and what a machine delays."""
ASK_AGAIN_S = 0.25
"""A verifier is not asked more often, however often the page is read: a scrape that comes sooner waits for this."""
ASKED_AT_ONCE = 100
REMEMBERED_S = 900.0
REMEMBERED = 100


class Watched(NamedTuple):
    """What is known of one verifier; instants are of the boot clock, seconds.

    Args:
        times: how often it had registered.
        asked_at: when it was asked last; negative infinity if never.
        silent_since: since when it owes an answer; None if it owes none.
        gone_at: when its row was found gone while it owed an answer; None if it is there.
    """

    times: int
    asked_at: float
    silent_since: float | None = None
    gone_at: float | None = None


class Watch(NamedTuple):
    """What is known of all verifiers.

    Args:
        verifiers: id → what is known.
        lost: how many fell silent and were removed, ever.
    """

    verifiers: dict[str, Watched]
    lost: int = 0


def parsed(note: Any) -> Watch:
    """Reads a note; what is none is an empty one."""
    match note:
        case {"verifiers": dict(rows), "lost": int(lost)}:
            return Watch({name: Watched(*row) for name, row in rows.items() if _is_row(row)}, lost)
        case _:
            return Watch({})


def noted(watch: Watch) -> Any:
    """Gives the note of what is known."""
    return {"verifiers": {name: list(one) for name, one in watch.verifiers.items()}, "lost": watch.lost}


def looked(watch: Watch, rows: Sequence[Registered], now: float) -> Watch:
    """Takes a reading of the registry.

    Args:
        watch: what was known.
        rows: the registry, read after what it says was asked.
        now: the boot clock, seconds.
    """
    seen = {row.name: _seen(watch.verifiers.get(row.name), row, now) for row in rows}
    lost = watch.lost
    gone: dict[str, Watched] = {}
    for name, one in watch.verifiers.items():
        if name in seen or one.silent_since is None:
            continue
        lost += one.gone_at is None
        gone_at = now if one.gone_at is None else one.gone_at
        # A boot clock that is behind began anew: what was noted before is of another boot.
        if 0 <= now - gone_at < REMEMBERED_S:
            gone[name] = one._replace(gone_at=gone_at)
    kept = sorted(gone, key=lambda name: gone[name].gone_at or 0.0)[-REMEMBERED:]
    return Watch({**seen, **{name: gone[name] for name in kept}}, lost)


def to_ask(watch: Watch, now: float) -> list[str]:
    """Gives the verifiers that shall be asked now, those first that were not asked for longest."""
    due = [
        (one.asked_at, name)
        for name, one in watch.verifiers.items()
        if one.silent_since is None and not 0 <= now - one.asked_at < ASK_AGAIN_S
    ]
    return [name for _, name in sorted(due)[:ASKED_AT_ONCE]]


def rest_s(watch: Watch, now: float) -> float:
    """Gives how long until every verifier that owes no answer may be asked again, seconds."""
    rests = (one.asked_at + ASK_AGAIN_S - now for one in watch.verifiers.values() if one.silent_since is None)
    return min(max(0.0, *rests, 0.0), ASK_AGAIN_S)


def asked(watch: Watch, names: Sequence[str], now: float) -> Watch:
    """Takes note of whom a scrape asks."""
    there = watch.verifiers
    return watch._replace(
        verifiers={**there, **{name: there[name]._replace(asked_at=now) for name in names if name in there}}
    )


def is_waited_for(watch: Watch, now: float) -> bool:
    """Tells whether an answer may still come within ANSWER_S."""
    return any(
        one.gone_at is None and one.silent_since is not None and 0 <= now - one.silent_since < ANSWER_S
        for one in watch.verifiers.values()
    )


def readings_of(watch: Watch, now: float) -> Readings:
    """Gives what the page says of verifiers."""
    states: Counter[Labels] = Counter()
    silences: dict[Labels, Value] = {}
    for name, one in watch.verifiers.items():
        for_s = 0.0 if one.silent_since is None else max(0.0, now - one.silent_since)
        silent = one.gone_at is not None or for_s >= ANSWER_S
        silences[(name,)] = for_s if silent else 0.0
        states[name_of(name), "answering"] += not silent
        states[name_of(name), "silent"] += silent
    counted: dict[Labels, Value] = dict(states)
    return {of.VERIFIERS: counted, of.VERIFIER_SILENT: silences, of.VERIFIERS_LOST: {(): watch.lost}}


def _seen(before: Watched | None, row: Registered, now: float) -> Watched:
    asked_at = before.asked_at if before is not None else float("-inf")
    if not row.doubted:
        return Watched(row.times, asked_at)
    owing = before.silent_since if before is not None and before.times == row.times else None
    if owing is None or owing > now:
        # Doubted by this scrape, or by somebody else since the last one: it owes an answer from when that was seen.
        owing = asked_at if 0 <= now - asked_at < ANSWER_S else now
    return Watched(row.times, asked_at, owing)


def _is_row(row: Any) -> bool:
    numbers = (
        isinstance(row, list) and len(row) == 4 and all(one is None or isinstance(one, int | float) for one in row)
    )
    return numbers and isinstance(row[0], int) and isinstance(row[1], int | float)
