"""Checking a session cookie from the near-cache, against a Redis GET: what everybody else pays for every request.

Both by the CPU time of this process, in which the authority and the Redis client run; what the Redis server uses is not
counted. The GET is redis-py's plain asyncio client with hiredis on uvloop, one at a time; `64 at once` beside it uses its
connection pool.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping

import redis.asyncio
import uvloop

from benchmarks import ours
from benchmarks.harness import Row
from benchmarks.peers.python_apps import PASSWORD
from benchmarks.peers.redis_server import redis as redis_serving

GET, GET_64 = "redis-py GET", "64 at once"
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
        view_of_cookie = authority.view_of_cookie
        text = value[:-1]

        async def check() -> None:
            # A newly built str each time, as a request brings it: no hash of an earlier lookup is kept in it.
            for _ in range(20_000):
                await view_of_cookie(text + value[-1])

        async def get() -> None:
            for _ in range(1000):
                await client.get(KEY)

        async def get_64() -> None:
            for _ in range(20):
                await asyncio.gather(*(client.get(KEY) for _ in range(64)))

        await check()
        await get_64()
        jobs = {"ours": (check, 20_000), GET: (get, 1000), GET_64: (get_64, 1280)}
        measured = await _cpu_per_call(jobs, rounds)
    await client.aclose()
    return measured


def run(rounds: int = 15) -> list[Row]:
    """Measures the row."""
    with ours.house() as made, redis_serving() as server:
        measured = uvloop.run(_measure(made, server.port, rounds))
    ratio = measured["ours"] / measured[GET]
    beside = {f"÷ a GET of {GET_64}": measured["ours"] / measured[GET_64]}
    what = "check a cookie session from the near-cache ÷ redis-py GET, CPU"
    return [Row(what, ratio, 1 / 40, 1 / 60, beside, base_ns=measured[GET])]
