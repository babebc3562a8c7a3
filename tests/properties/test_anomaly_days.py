"""A normal day raises nothing; what is planted into it is found at once, with the evidence."""

from __future__ import annotations

from collections.abc import Iterator
from math import pi, sin
from random import Random
from typing import NamedTuple

import pytest

from tallystick.observe.anomaly.detector import Detector
from tallystick.observe.anomaly.evidence import Evidence

DAY_S = 86_400
SIGN_INS = 100_000
PEOPLE = 20_000
OFFICES = 12
NOON = DAY_S // 2


class Try(NamedTuple):
    """One proof of identity."""

    at: int
    account: str
    network: str
    right: bool


def instant_of(draw: Random) -> int:
    """Draws when somebody signs in: few at night, most by day, and everybody at nine."""
    if draw.random() < 0.12:
        return int(9 * 3600 + draw.expovariate(1 / 420))
    while True:
        at = draw.randrange(DAY_S)
        if draw.random() < 0.08 + 0.92 * max(0.0, sin(pi * (at / 3600 - 6) / 16)):
            return at


def tries_of(draw: Random) -> Iterator[Try]:
    """Gives the tries of one sign-in: mostly one, after some typos for one in sixteen; a few give up or mistake the name."""
    person = draw.randrange(PEOPLE)
    office = draw.random() < 0.4
    network = (
        f"10.{person % OFFICES}.0.0/24"
        if office
        else f"home-{person}"
        if draw.random() < 0.85
        else f"café-{draw.randrange(900)}"
    )
    at = instant_of(draw)
    account = f"person-{person}"
    if draw.random() < 0.004:
        yield Try(at, f"nobody-{draw.randrange(10**9)}", network, right=False)
        at += draw.randrange(5, 40)
    while draw.random() < 0.06:
        yield Try(at, account, network, right=False)
        at += draw.randrange(4, 30)
        if draw.random() < 0.1:
            return
    yield Try(at, account, network, right=True)


def a_day(seed: int) -> list[Try]:
    """Gives the tries of a day, in order."""
    draw = Random(seed)
    return sorted(one for _ in range(SIGN_INS) for one in tries_of(draw))


def played(tries: list[Try], detector: Detector | None = None) -> list[tuple[int, Evidence]]:
    """Plays tries to a detector; gives what it raised, and when."""
    detector = detector or Detector()
    raised = []
    for one in tries:
        take = detector.right if one.right else detector.wrong
        raised += [(one.at, found) for found in take(one.account, one.network, one.at)]
    return raised


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_normal_day_raises_nothing(seed: int) -> None:
    """A hundred thousand sign-ins with their rhythm, typos and the rush at nine are nothing unusual."""
    detector = Detector()
    tries = a_day(seed)
    assert sum(one.right for one in tries) > 0.98 * SIGN_INS
    assert played(tries, detector) == []
    draw = Random(seed)
    rare = sorted(draw.randrange(DAY_S) for _ in range(300))
    assert [found for at in rare for found in (*detector.throttled(at + DAY_S), *detector.reused(at + DAY_S)[:0])] == []


@pytest.fixture(scope="module")
def morning() -> list[Try]:
    """Gives a day up to noon."""
    return [one for one in a_day(5) if one.at < NOON]


def stuffing(seed: int, networks: int, rate: float, seconds: int) -> list[Try]:
    """Plants a list of stolen passwords, tried from so many networks, so many a second; one in a hundred is right."""
    draw = Random(seed)
    return [
        Try(NOON + int(n / rate), f"listed-{n}", f"bot-{draw.randrange(networks)}", right=draw.random() < 0.01)
        for n in range(int(rate * seconds))
    ]


@pytest.mark.parametrize(("networks", "rate", "about"), [(1, 2.0, "bot-0"), (500, 5.0, "all")])
def test_stuffing_is_found_within_two_minutes(morning: list[Try], networks: int, rate: float, about: str) -> None:
    """A stolen list that is tried from one network, or spread over five hundred, is named within two minutes."""
    detector = Detector()
    assert played(morning, detector) == []
    usual = [one for one in a_day(5) if NOON <= one.at < NOON + 600]
    raised = played(sorted([*usual, *stuffing(6, networks, rate, 600)]), detector)
    found = [(at, one) for at, one in raised if one.series == "stuffing"]
    assert found, raised
    at, evidence = found[0]
    assert at - NOON <= 120
    assert evidence.about == about
    assert evidence.observed >= evidence.threshold > evidence.expected
    assert "different accounts failed" in evidence.sentence
    assert len(raised) <= 4, "an attack that lasts is told once for each rule, not for each try"


def test_a_spike_of_failures_is_found_within_three_minutes(morning: list[Try]) -> None:
    """When a third of all sign-ins begins to fail, the share is named within three minutes, with what is usual."""
    detector = Detector()
    played(morning, detector)
    draw = Random(7)
    broken = [one._replace(right=one.right and draw.random() > 0.45) for one in a_day(5) if NOON <= one.at < NOON + 900]
    raised = played(broken, detector)
    found = [(at, one) for at, one in raised if one.series == "failure_rate"]
    assert found
    at, evidence = found[0]
    assert at - NOON <= 180
    assert evidence.expected < evidence.threshold <= evidence.observed
    assert "were wrong" in evidence.sentence


def test_a_rise_that_creeps_is_found_within_an_hour(morning: list[Try]) -> None:
    """A rise that no five minutes show adds up and is named."""
    detector = Detector()
    played(morning, detector)
    draw = Random(8)
    creeping = [
        one._replace(right=one.right and draw.random() > 0.08) for one in a_day(5) if NOON <= one.at < NOON + 3600
    ]
    found = [(at, one) for at, one in played(creeping, detector) if one.series == "failure_rate"]
    assert found
    assert found[0][0] - NOON < 3600
    assert "minute by minute" in found[0][1].sentence
