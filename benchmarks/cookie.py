"""Checking a session cookie from the near-cache, against a Redis GET: what everybody else pays for every request.

Both by the CPU time of this process, in which the authority and the Redis client run; what the Redis server uses is not
counted. The GET is redis-py's plain asyncio client with hiredis on uvloop, one at a time; `64 at once` beside it uses its
connection pool. Ours is the check that the verifier makes; `the use noted` beside it is what an authority's own routes pay,
which also remember that the session was used.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import redis.asyncio
import uvloop

from benchmarks import ours
from benchmarks.harness import Row
from benchmarks.peers.python_apps import PASSWORD
from benchmarks.peers.redis_server import redis as redis_serving

NOTED, GET, GET_64 = "the use noted", "redis-py GET", "64 at once"
CHECKS = 20_000
KEY = "session:" + "k" * 43


async def _cpu_per_call(
    jobs: Mapping[str, tuple[Callable[[], Awaitable[object]], int]], rounds: int
) -> dict[str, float]:
    samples: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, (job, calls) in jobs.items():
            begun = time.process_time_ns()
            await job()
            samples[name].append((time.process_time_ns() - begun) / calls)
    return {name: statistics.median(values) for name, values in samples.items()}


async def _measure(made: ours.House, port: int, rounds: int) -> dict[str, float]:
    client = redis.asyncio.Redis(port=port)
    await client.set(KEY, "v" * 300)
    async with made.authority() as authority:
        signed = await authority.sign_in(made.emails[0], PASSWORD, network="127.0.0.1")
        value = signed.cookie.reveal()
        checks, noted = authority.verifier.view_of_cookie, authority.view_of_cookie

        async def check(view_of_cookie: Callable[[str], Awaitable[object]]) -> None:
            # A newly built str each time, as a request brings it.
            text, last = value[:-1], value[-1]
            for _ in range(CHECKS):
                await view_of_cookie(text + last)

        async def get() -> None:
            for _ in range(1000):
                await client.get(KEY)

        async def get_64() -> None:
            for _ in range(20):
                await asyncio.gather(*(client.get(KEY) for _ in range(64)))

        await check(noted)
        await get_64()
        jobs = {
            "ours": (partial(check, checks), CHECKS),
            NOTED: (partial(check, noted), CHECKS),
            GET: (get, 1000),
            GET_64: (get_64, 1280),
        }
        measured = await _cpu_per_call(jobs, rounds)
    await client.aclose()
    return measured


def run(rounds: int = 15) -> list[Row]:
    """Measures the row."""
    with ours.house() as made, redis_serving() as server:
        measured = uvloop.run(_measure(made, server.port, rounds))
    ratio = measured["ours"] / measured[GET]
    beside = {NOTED: measured[NOTED] / measured[GET], f"÷ a GET of {GET_64}": measured["ours"] / measured[GET_64]}
    what = "check a cookie session from the near-cache ÷ redis-py GET, CPU"
    return [Row(what, ratio, 1 / 40, 1 / 60, beside, base_ns=measured[GET])]
