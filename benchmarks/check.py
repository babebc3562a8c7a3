"""Checking a seen token, and what it costs when a million endings are live.

The base of the first row is one lookup in a dict by a newly built str of the token's length. Ours gets a newly built str
too, as a request brings it: no hash of an earlier lookup is kept in it. `lookup alone` is the same ratio with the building
of the str taken out of both. The check at 10⁶ endings goes round through 4096 credentials, so that the table of the index
is met cold, as requests meet it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from benchmarks.harness import Row, cycling, measure_interleaved, table
from benchmarks.verify import AUDIENCE, ISSUER, Subject
from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import GENESIS, ORIGIN, Ending, Kind, Position, Revocation
from tallystick.core.revocation.feed import Answer, Beat, Snapshot
from tallystick.core.revocation.index import RevocationIndex
from tallystick.core.verification.check import check
from tallystick.verifier.clocks import SYSTEM
from tallystick.verifier.state import Unfollowed
from tallystick.verifier.verifier import Verifier

FEW, MANY = 1_000, 1_000_000
VIEWS = 4096
HEAD = Position(1_790_000_000, 200_000)


class QuietLog:
    """A log in which nothing happens."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys

    def open(self) -> Staleness:
        return Staleness()

    def register(self, verifier: str) -> None:
        pass

    def snapshot(self) -> Snapshot:
        return Snapshot(HEAD, GENESIS, (), ORIGIN)

    def beat(self, beat: Beat) -> Answer:
        return Answer(beat.nonce, True, HEAD, GENESIS, (), False, False, False, ORIGIN)

    def ack(self, verifier: str, applied: Position) -> bool:
        return True

    def version(self) -> int:
        return 0

    def wait(self, version: int, timeout_s: float) -> None:
        time.sleep(timeout_s)

    def wake(self) -> None:
        pass

    def key_set(self) -> bytes:
        return self._keys

    def deregister(self, verifier: str) -> None:
        pass

    def close(self) -> None:
        pass


class View:
    """What the index looks at."""

    __slots__ = ("client", "id", "key", "principal", "tal")

    def __init__(self, draw: Callable[[int], bytes]) -> None:
        self.id, self.principal, self.client = SessionId.of(draw(16)), PrincipalId.of(draw(16)), ClientId("browser")
        self.key, self.tal = None, HEAD


def index_of(count: int, draw: Callable[[int], bytes]) -> RevocationIndex:
    """Gives an index of so many ended sessions."""
    index = RevocationIndex()
    for seq in range(count):
        ending = Ending(Kind.SESSION, SessionId.of(draw(16)))
        index.add(Revocation(Position(1, seq + 1), ending, 0, GENESIS))
    return index


def resident() -> int:
    """Gives the bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def checks(index: RevocationIndex, views: Sequence[View]) -> Callable[[], None]:
    """Gives a callable that checks every view once."""
    memory = Unfollowed(SYSTEM)
    memory.index = index

    def run() -> None:
        for view in views:
            check(view, memory, 1.0)

    return run


def seen(rounds: int) -> Row:
    """Measures a seen token against a dict lookup."""
    subject = Subject("ES256")
    keys = json.dumps({"keys": [subject.jwk]}).encode()
    with Verifier(ISSUER, AUDIENCE, follow=QuietLog(keys)) as verifier:
        known = dict.fromkeys(subject.tokens)
        parts = [(token[:-8], token[-8:]) for token in subject.tokens]
        for token in subject.tokens:
            verifier.verify(token)
        verify = verifier.verify
        candidates = {
            "dict": cycling(lambda part: known[part[0] + part[1]], parts),
            "ours": cycling(lambda part: verify(part[0] + part[1]), parts),
            "built": cycling(lambda part: part[0] + part[1], parts),
        }
        # Short slices, so that most of them are not interrupted on a busy machine.
        measured = measure_interleaved(candidates, 4 * rounds, 300)
    alone = (measured["ours"] - measured["built"]) / (measured["dict"] - measured["built"])
    what = "verify a seen token, lease and index included ÷ a dict lookup"
    return Row(what, measured["ours"] / measured["dict"], 8, 4, {"lookup alone": alone}, base_ns=measured["dict"])


def live(rounds: int) -> list[Row]:
    """Measures the check at a million endings, and what each of them takes."""
    draw = Random(1).randbytes
    views = [View(draw) for _ in range(VIEWS)]
    few = index_of(FEW, draw)
    before = resident()
    many = index_of(MANY, draw)
    each = (resident() - before) / MANY
    measured = measure_interleaved({"few": checks(few, views), "many": checks(many, views)}, rounds, 4)
    ratio, base = measured["many"] / measured["few"], measured["few"] / VIEWS
    return [
        Row("a check at 10⁶ live endings ÷ at 10³", ratio, 3, 1.5, {}, base_ns=base),
        Row("memory of a live ending, bytes", each, 140, 125, {}),
    ]


def run(rounds: int = 31) -> list[Row]:
    """Measures all rows."""
    return [seen(rounds), *live(rounds)]


if __name__ == "__main__":
    print(table(run()))
