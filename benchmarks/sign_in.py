"""Sign-ins against bare Argon2 with the same parameters on the same cores, and how long the event loop stands still.

The base is argon2-cffi verifying the same password in as many threads as there are cores. Ours and fastapi-users answer
whole sign-ins over HTTP, a session written for each. What is compared is CPU time.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from statistics import median

from argon2 import PasswordHasher

from benchmarks import ours
from benchmarks.compare import Side, cost_per_request
from benchmarks.harness import Row
from benchmarks.load import Load, repeating, request
from benchmarks.peers import python_apps as peers
from benchmarks.stall import percentile_ms
from tallystick.identity.password import PasswordParameters

CORES = len(os.sched_getaffinity(0))
CONNECTIONS = 2 * CORES
PEOPLE = 48
PEER = "fastapi-users"
OURS_PATH = "/auth/session"


class BareArgon2:
    """The base: the hash and nothing around it, in threads of this process."""

    def __init__(self) -> None:
        same = PasswordParameters()
        hasher = PasswordHasher(time_cost=same.time_cost, memory_cost=same.memory_kib, parallelism=same.parallelism)
        self._verify = partial(hasher.verify, hasher.hash(peers.PASSWORD))
        self._pool = ThreadPoolExecutor(CORES)

    def send(self, requests: int) -> float:
        """Verifies so many times; gives the seconds of the wall clock."""
        begun = time.monotonic()
        assert all(self._pool.map(self._verify, [peers.PASSWORD] * requests))
        return time.monotonic() - begun

    def cpu_ns(self) -> int:
        """Gives the CPU time of this process, nanoseconds."""
        return time.process_time_ns()


class Probed:
    """A load that also asks the server's probe, round by round.

    Args:
        load: what is sent.
        port: where `GET /stalls` answers.
    """

    def __init__(self, load: Load, port: int) -> None:
        self._load = load
        self._port = port
        self._p99_ms: list[float] = []

    def send(self, requests: int) -> float:
        """Sends, and remembers the probe's 99th percentile."""
        peers.call(self._port, "GET", "/stalls")
        seconds = self._load.send(requests)
        late, _ = peers.call(self._port, "GET", "/stalls")
        self._p99_ms.append(percentile_ms(json.loads(late), 0.99))
        return seconds

    @property
    def p99_ms(self) -> float:
        """The median over the rounds, the warm-up left out, milliseconds."""
        return median(self._p99_ms[1:])


def run(rounds: int = 5) -> list[Row]:
    """Measures both rows."""
    with ExitStack() as stack:
        made = stack.enter_context(ours.house(people=PEOPLE, path="/auth"))
        server, other = stack.enter_context(ours.embedded(made)), stack.enter_context(peers.fastapi_users())
        peers.register(other.port, made.emails)
        json_of = [json.dumps({"email": email, "password": peers.PASSWORD}) for email in made.emails]
        mine = _loaded(stack, made.port, OURS_PATH, json_of, "application/json", 200)
        theirs = _loaded(stack, other.port, peers.SIGN_IN_PATH, [peers.login_form(email) for email in made.emails])
        bare = BareArgon2()
        cost = cost_per_request(
            {
                "bare": Side(bare, bare, 100, 10),
                "ours": Side(server, mine, 100, 20),
                PEER: Side(other, theirs, 60, 20),
            },
            rounds,
        )
    base = cost["bare"]
    ratio = base.cpu_ns / cost["ours"].cpu_ns
    beside = {PEER: base.cpu_ns / cost[PEER].cpu_ns}
    return [
        Row("sign-ins ÷ bare Argon2", ratio, 0.95, 0.97, beside, at_least=True, base_ns=base.cpu_ns),
        Row("event loop stall during sign-ins, p99, ms", mine.p99_ms, 5, 5, {PEER: theirs.p99_ms}),
    ]


def _loaded(
    stack: ExitStack, port: int, path: str, bodies: Sequence[str], kind: str = peers.FORM, expect: int = 204
) -> Probed:
    requests = [request("POST", path, port, body=body, kind=kind) for body in bodies]
    return Probed(stack.enter_context(repeating(port, requests, CONNECTIONS, expect, awake=False)), port)
