"""Nobody learns from an answer, or from how long it takes, whether an address has an account."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.support.cheap_server import authority_of
from tests.support.judge import judge
from tests.support.post_office import PostOffice
from tests.support.processes import START_S, Browser, clean_environment, free_port

TRIALS = 2_000
PER_ADDRESS = 4
PER_NETWORK = 8
"""Fewer than any throttle minds, so that what is measured is the answer to a first try."""
PASSWORD = "seven notches on a hazel stick"
KNOWN = [f"known{number}@example.com" for number in range(TRIALS // 2 // PER_ADDRESS)]
UNKNOWN = [f"nobod{number}@example.com" for number in range(TRIALS // 2 // PER_ADDRESS)]
Ask = Callable[[str], tuple[str, dict[str, str]]]


def signs_in(email: str) -> tuple[str, dict[str, str]]:
    """Guesses a password."""
    return "/session", {"email": email, "password": "a wrong guess, but a long one"}


def asks_for_reset(email: str) -> tuple[str, dict[str, str]]:
    """Asks for a new password."""
    return "/reset", {"email": email}


def signs_up(email: str) -> tuple[str, dict[str, str]]:
    """Signs up."""
    return "/sign-up", {"email": email, "password": PASSWORD}


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[int]:
    """Serves half of the addresses as accounts; gives the port."""
    port = free_port()
    with PostOffice() as office:
        asyncio.run(_fill(folder, port, office.port))
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.cheap_server", str(folder), str(port), str(office.port), *words],
            env=clean_environment(),
        )
        try:
            deadline = time.monotonic() + START_S
            while Browser(port).ask("GET", "/readyz", timeout_s=5).status != 200:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.03)
            yield port
        finally:
            process.terminate()
            process.wait(20)


async def _fill(folder: Path, port: int, smtp_port: int) -> None:
    async with authority_of(folder, port, smtp_port) as authority:
        for email in KNOWN:
            await authority.create_account(email, PASSWORD)


class Prober:
    """Sends requests from ever new networks and takes the time of each answer.

    Args:
        port: of the server.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._sent = 0
        self._connection: HTTPConnection | None = None

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()

    def ask(self, path: str, body: dict[str, str]) -> tuple[float, tuple[object, ...]]:
        """Gives the seconds, and everything of the answer that is not new in every answer."""
        if self._sent % PER_NETWORK == 0 or self._connection is None:
            self.close()
            number = self._sent // PER_NETWORK
            source = (f"127.{1 + number // 250}.{1 + number % 250}.1", 0)
            self._connection = HTTPConnection("127.0.0.1", self._port, timeout=30, source_address=source)
            self._connection.connect()
        self._sent += 1
        headers = {"Host": f"localhost:{self._port}", "Content-Type": "application/json"}
        raw = json.dumps(body)
        began = time.perf_counter()
        self._connection.request("POST", path, raw, headers)
        response = self._connection.getresponse()
        answer = response.read()
        seconds = time.perf_counter() - began
        told = sorted((name, value) for name, value in response.getheaders() if name not in ("date", "x-request-id"))
        return seconds, (response.status, answer, *told)


def measure(port: int, ask: Ask, trials: int) -> tuple[list[float], list[float]]:
    """Gives the times for known and for unknown addresses, in random order, after answers that are not counted.

    Every answer must be the same, byte for byte.
    """
    share = trials // 2
    emails = (KNOWN * PER_ADDRESS)[:share] + (UNKNOWN * PER_ADDRESS)[:share]
    random.shuffle(emails)
    prober = Prober(port)
    for number in range(40):
        prober.ask(*ask(f"warm{number}@example.com"))
    known, unknown, told = list[float](), list[float](), set[tuple[object, ...]]()
    for email in emails:
        seconds, answer = prober.ask(*ask(email))
        (known if email.startswith("known") else unknown).append(seconds)
        told.add(answer)
    prober.close()
    assert len(told) == 1, told
    return known, unknown


@pytest.mark.process
@pytest.mark.parametrize("ask", [signs_in, asks_for_reset, signs_up], ids=lambda ask: ask.__name__)
def test_an_address_with_an_account_is_answered_like_one_without(
    ask: Ask, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """2,000 answers, half of them about accounts: the same bytes, and times that cannot be told apart."""
    with serving(tmp_path) as port:
        known, unknown = measure(port, ask, TRIALS)
    verdict = judge(known, unknown)
    record_property("verdict", repr(verdict))
    print(ask.__name__, verdict)
    assert not verdict.told_apart, verdict
    # A third of the spread more, and the very same times would give themselves away.
    ordered = sorted(unknown)
    third = (ordered[len(ordered) * 3 // 4] - ordered[len(ordered) // 4]) / 3
    planted = judge([seconds + third for seconds in unknown], unknown)
    assert planted.told_apart, planted


@pytest.mark.process
def test_a_server_that_saves_the_hash_of_nobody_is_found_out(tmp_path: Path) -> None:
    """The judge is not blind: a server that hashes nothing for unknown addresses is told apart at a fifth of the trials."""
    with serving(tmp_path, "leaky") as port:
        known, unknown = measure(port, signs_in, TRIALS // 5)
    verdict = judge(known, unknown)
    assert verdict.told_apart, verdict


def test_the_judge_knows_no_difference_from_a_small_one() -> None:
    """The same times are not told apart, a third of a standard deviation is found, and outliers decide nothing."""
    dice = random.Random(7)
    first, second = ([dice.gauss(10, 1) for _ in range(1_000)] for _ in range(2))
    assert not judge(first, second).told_apart
    assert judge([value + 0.35 for value in first], second).told_apart
    assert judge(first, [value + 0.35 for value in second]).told_apart
    assert not judge([*first[:-20], *(value * 100 for value in first[-20:])], second).told_apart
    assert judge([1.0, 2.0], [1.0, 2.0]).area == 0.5
