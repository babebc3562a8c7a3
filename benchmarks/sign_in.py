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
from dataclasses import dataclass
from functools import partial
from statistics import median

from argon2 import PasswordHasher

from benchmarks import ours
from benchmarks.compare import Side, cost_per_request
from benchmarks.harness import Row
from benchmarks.load import Load, repeating, request
from benchmarks.peers import python_apps as peers
from benchmarks.processes import Server
from benchmarks.stall import percentile_ms
from tallystick.identity.password import PasswordParameters

CORES = len(os.sched_getaffinity(0))
CONNECTIONS = 2 * CORES
PEOPLE = 48
PROBED = 50
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


@dataclass(frozen=True, slots=True)
class Probed:
    """A server whose loop can be probed, and its load.

    Args:
        server: with `GET /stalls/start` and `GET /stalls`.
        load: sign-ins.
    """

    server: Server
    load: Load

    def p99_ms(self, requests: int) -> float:
        """Gives the 99th percentile of how late the loop is while it answers so many sign-ins, milliseconds."""
        peers.call(self.server.port, "GET", "/stalls/start")
        self.load.send(requests)
        late, _ = peers.call(self.server.port, "GET", "/stalls")
        return percentile_ms(json.loads(late), 0.99)


def run(rounds: int = 9) -> list[Row]:
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
                PEER: Side(other, theirs, 40, 10),
                "bare": Side(bare, bare, 60, 10),
                "ours": Side(server, mine, 60, 20),
            },
            rounds,
        )
        probed = {"ours": Probed(server, mine), PEER: Probed(other, theirs)}
        late = [{name: one.p99_ms(PROBED) for name, one in probed.items()} for _ in range(rounds // 2)]
    base, ratio = cost["bare"], cost["bare"].over(cost["ours"])
    stall = {name: median(one[name] for one in late) for name in probed}
    beside = {PEER: base.over(cost[PEER])}
    return [
        Row("sign-ins ÷ bare Argon2", ratio, 0.95, 0.97, beside, at_least=True, base_ns=base.cpu_ns),
        Row("event loop stall during sign-ins, p99, ms", stall["ours"], 5, 5, {PEER: stall[PEER]}),
    ]


def _loaded(
    stack: ExitStack, port: int, path: str, bodies: Sequence[str], kind: str = peers.FORM, expect: int = 204
) -> Load:
    requests = [request("POST", path, port, body=body, kind=kind) for body in bodies]
    return stack.enter_context(repeating(port, requests, CONNECTIONS, expect, awake=False))
