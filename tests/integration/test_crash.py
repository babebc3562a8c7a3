"""Killed at any statement of any commit, and at any moment: nothing acknowledged is lost, nothing ended comes back."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from pathlib import Path

import pytest

from tallystick.stores.sql import failpoint
from tests.support import commits, killing, traffic
from tests.support.forked import Child, Pipe

pytestmark = pytest.mark.process
HEAR_S = 30.0
ROUNDS, ROUNDS_SOAK = 40, 200
FIRST_STARTS, FIRST_STEP_S = 16, 0.003


# ── at every statement ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, commits.Notes]:
    """Sets the stage once; every act plays on a copy."""
    folder, now = tmp_path_factory.mktemp("stage"), int(time.time())
    return folder, now, killing.heard(killing.stage_work, str(folder), now)


@pytest.mark.parametrize("act", commits.ACTS)
def test_a_kill_at_any_statement_leaves_whole_commits(
    act: str, stage: tuple[Path, int, commits.Notes], tmp_path: Path
) -> None:
    """Killed before or after each statement of an act, the store holds whole commits, and every credential stands or falls."""
    original, now, notes = stage
    before = commits.contents(killing.database(original))
    played = killing.copied(original, tmp_path / "undisturbed")
    points, after_each = killing.heard(killing.watch_work, str(played), now, act, notes)
    assert points.count(failpoint.AFTER_COMMIT) >= 1, "the act commits nothing"
    allowed = [before, *after_each]
    judged: list[tuple[killing.Contents, dict[str, bool]]] = []
    for number, point in enumerate(points, 1):
        folder = killing.copied(original, tmp_path / f"kill-{number}")
        child = Child(killing.die_work, str(folder), now, act, notes, number)
        assert child.ended() == -signal.SIGKILL, f"point {number} ({point}) was not reached"
        left = commits.contents(killing.database(folder))
        assert left in allowed, f"killed at point {number} ({point}), the store holds half of a commit"
        if left in [one for one, _ in judged]:
            continue
        accepted = killing.heard(killing.judge_work, str(folder), now, notes)
        judged.append((left, accepted))
        assert not accepted["ended cookie"]
        assert not accepted["ended token"]
        done = left == after_each[-1]
        assert accepted["browser"] is not (done and act in commits.ENDS_BROWSER)
        if not (done and act in commits.NEW_COOKIE):
            assert accepted["cookie"] is (accepted["browser"] and not (done and act in commits.NEW_COOKIE_AT_ONCE))
        assert accepted["app"] is not (done and act in commits.ENDS_APP)
        assert accepted["browser"] or not accepted["bound"]
    assert judged[-1][0] == after_each[-1], "no kill came after the last commit"


@pytest.mark.parametrize("number", range(FIRST_STARTS))
def test_a_kill_while_the_store_is_made_leaves_one_that_opens(number: int, tmp_path: Path) -> None:
    """Killed at some moment of its very first start, the authority starts the next time as if nothing had been."""
    child = Child(killing.first_work, str(tmp_path))
    assert child.hear(HEAR_S) == "begun"
    deadline = time.monotonic() + HEAR_S
    while not any(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.0005)
    time.sleep(FIRST_STEP_S * number)
    child.kill()
    again = Child(killing.first_work, str(tmp_path))
    assert [again.hear(HEAR_S), again.hear(HEAR_S)] == ["begun", "done"]
    assert again.ended() == 0


# ── at random moments ────────────────────────────────────────────────────────────────────────────────────────────────


def work(folder: str, client: str, seed: int, pipe: Pipe) -> None:
    """Is a process under mixed traffic: judges what the one before left, then works until it is killed."""
    asyncio.run(traffic.run(Path(folder), client, seed, pipe.send))


def killed_at_random_moments(folder: Path, rounds: int, seed: int) -> tuple[list[str], int]:
    """Kills a working process again and again; gives what was not as acknowledged, and how many sessions there were."""
    client, dice = asyncio.run(traffic.prepare(folder)), random.Random(seed)
    for number in range(rounds):
        child = Child(work, str(folder), client, seed + number)
        try:
            problems = child.hear(HEAR_S)
            assert isinstance(problems, list)
            time.sleep(dice.uniform(0.005, 0.25))
        finally:
            child.kill()
        if problems:
            return [f"after kill {number} (seed {seed}): {problem}" for problem in problems], 0
    problems = asyncio.run(traffic.judge_all(folder, client))
    journal = traffic.Journal(folder / "journal.jsonl")
    journal.close()
    return problems, len(journal.knowledge.sessions)


def test_nothing_acknowledged_is_lost_at_forty_random_moments(tmp_path: Path) -> None:
    """Killed 40 times under mixed traffic, the store holds all that was acknowledged and nothing that was ended."""
    problems, sessions = killed_at_random_moments(tmp_path, ROUNDS, random.SystemRandom().randrange(10**9))
    assert problems == []
    assert sessions >= ROUNDS


@pytest.mark.soak
def test_nothing_acknowledged_is_lost_at_two_hundred_random_moments(tmp_path: Path) -> None:
    """The same, 200 times."""
    problems, sessions = killed_at_random_moments(tmp_path, ROUNDS_SOAK, random.SystemRandom().randrange(10**9))
    assert problems == []
    assert sessions >= ROUNDS_SOAK
