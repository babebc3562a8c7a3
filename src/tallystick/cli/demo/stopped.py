"""The last chapter of the demo: a verifier that is stopped where it stands, and what it says when it wakes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tallystick.authority.issued import Revoked
from tallystick.cli import facts
from tallystick.cli.demo.wire import Answer, Line
from tallystick.cli.demo.worth import ENDED, PATHS, Holding
from tallystick.core.ids import SessionId

if TYPE_CHECKING:
    from tallystick.cli.demo.steps import Step
    from tallystick.cli.demo.story import Story

STOPPED = "export"
LINES = 4
ATTEMPTS = 3
SLACK_S = 2.0
"""How much longer than the bound the call may take on a busy machine."""


async def stopped_verifier(story: Story) -> None:
    """Stops the export service, ends a session everywhere, wakes the service, and reads what it answers.

    The requests were sent while it was stopped, so they are the first thing that it sees. Whether the first of them or
    its follower thread runs first is the scheduler's choice: a refusal with 401 is as right as one with 503. So the
    chapter is told again when no 503 was among the answers, at most three times.
    """
    step = story.begin(
        "stop a verifier", "the export service is stopped (SIGSTOP) while a session is ended, everywhere", "FailClosed"
    )
    for attempt in range(1, ATTEMPTS + 1):
        laptop = await _signed_in(story)
        revoked, answers = await _stop_end_wake(story, laptop)
        statuses = sorted(answer.status for answer in answers)
        step.demand(not {200, 0} & set(statuses), f"the woken verifier answered {statuses}")
        step.seen |= {"answers on waking": statuses, "attempts": attempt}
        _compare(story, step, revoked, answers, last=attempt == ATTEMPTS)
        if 503 in statuses or step.problems:
            break
    await story.ended(step, revoked, ["laptop"], ("server", "notes"))
    story.tell(step)
    after = story.begin("it wakes", "the export service has heard the log again", "VerifiersConverge")
    await asyncio.to_thread(_until_heard, story, laptop)
    await story.look(after, {"laptop": ENDED})


async def _signed_in(story: Story) -> Holding:
    laptop = await story.browser("laptop")
    await story.token_of(laptop)
    return laptop


async def _stop_end_wake(story: Story, laptop: Holding) -> tuple[Revoked, list[Answer]]:
    lines = [Line(story.fleet.port(STOPPED), PATHS[STOPPED], laptop.access_token) for _ in range(LINES)]
    try:
        for line in lines:
            await asyncio.to_thread(line.send)
            await asyncio.to_thread(line.read)
        story.fleet.pause(STOPPED)
        try:
            revoked = await story.authority.revoke(
                SessionId(laptop.session), because="one verifier is stopped", strength="everywhere"
            )
            for line in lines:
                line.send()
        finally:
            story.fleet.wake(STOPPED)
        return revoked, [await asyncio.to_thread(line.read) for line in lines]
    finally:
        for line in lines:
            line.close()


def _compare(story: Story, step: Step, revoked: Revoked, answers: list[Answer], *, last: bool) -> None:
    bound_s = story.authority.policy.staleness.bound_s
    step.revoked = facts.of_revoked(revoked)
    step.seen |= {"bound": f"{bound_s:.1f} s", "the call took": f"{revoked.waited_s:.2f} s"}
    in_time = bound_s - 0.01 <= revoked.waited_s <= bound_s + SLACK_S
    step.demand(in_time, f"the call took {revoked.waited_s:.2f} s; the bound is {bound_s:.2f} s")
    step.demand(len(revoked.missing) == 1, f"missing were {list(revoked.missing)}, not one verifier")
    asleep = [answer for answer in answers if answer.status == 503]
    step.demand(bool(asleep) or not last, "the woken verifier never said 503")
    step.demand(all(answer.headers.get("Retry-After") for answer in asleep), "a 503 came without Retry-After")


def _until_heard(story: Story, laptop: Holding) -> None:
    line = Line(story.fleet.port(STOPPED), PATHS[STOPPED], laptop.access_token)
    try:
        for _ in range(250):
            line.send()
            if line.read().status != 503:
                return
    finally:
        line.close()
