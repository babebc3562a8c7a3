"""What the three credentials are worth at each process, asked by presenting them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

from tallystick.cli.demo.fleet import Fleet
from tallystick.cli.demo.wire import Answer, call

PROCESSES = ("server", "notes", "export")
Kind = Literal["cookie", "refresh token", "access token"]
KINDS: tuple[Kind, ...] = ("cookie", "refresh token", "access token")
GOOD, ENDED, NEVER, ABSENT = "good", "refused", "no use", ""
"""A verdict: accepted; refused because it is over; of a kind that this process never takes; not held at all."""
PATHS = {"server": "/session", "notes": "/notes", "export": "/export"}
ARRIVAL_S = 5.0
POLL_S = 0.005


@dataclass(slots=True)
class Holding:
    """What one device holds of its session.

    Args:
        name: what the demo calls the device.
        session: the session's id.
        cookie: `name=value`, for a browser.
        csrf: the token that goes with the cookie.
        refresh_token: for an app.
        access_token: minted from either.
        client: the app's client id.
    """

    name: str
    session: str
    cookie: str = ""
    csrf: str = ""
    refresh_token: str = ""
    access_token: str = ""
    client: str = ""

    def has(self, kind: Kind) -> bool:
        """Tells whether the device holds a credential of a kind."""
        return bool({"cookie": self.cookie, "refresh token": self.refresh_token}.get(kind, self.access_token))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a credential is worth at a process.

    Args:
        worth: one of the four words, or a status that the demo did not expect.
        status: what the process answered; 0 if it was not asked.
        code: its stable code, if it refused.
    """

    worth: str
    status: int = 0
    code: str = ""


@dataclass(slots=True)
class Arrival:
    """When an ending had reached a process, counted from the return of the call that ended it.

    Args:
        process: which.
        milliseconds: until the first refusal.
        retries: how often it was asked again before it refused; 0 is the promise of `everywhere`.
    """

    process: str
    milliseconds: float
    retries: int = 0


@dataclass(slots=True)
class Worth:
    """The verdicts on one device's credentials, credential and process → verdict."""

    holding: str
    verdicts: dict[tuple[Kind, str], Verdict] = field(default_factory=dict)


def refresh(fleet: Fleet, holding: Holding, token: str = "") -> Answer:
    """Presents a refresh token at the token endpoint (RFC 6749 section 6)."""
    form = {
        "grant_type": "refresh_token",
        "refresh_token": token or holding.refresh_token,
        "client_id": holding.client,
    }
    return call(fleet.port("server"), "POST", "/oauth/token", form=form)


def present(fleet: Fleet, holding: Holding, kind: Kind, process: str) -> Answer:
    """Presents one credential at one process; a rotated refresh token is kept."""
    port, path = fleet.port(process), PATHS[process]
    if kind == "cookie":
        return call(port, "GET", path, cookie=holding.cookie)
    if kind == "access token":
        return call(port, "GET", path, bearer=holding.access_token)
    if process != "server":
        return call(port, "GET", path, bearer=holding.refresh_token)
    answer = refresh(fleet, holding)
    if answer.status == 200:
        holding.refresh_token = str(answer.body["refresh_token"])
        holding.access_token = str(answer.body["access_token"])
    return answer


def verdict_on(fleet: Fleet, holding: Holding, kind: Kind, process: str) -> Verdict:
    """Says what one credential is worth at one process."""
    if not holding.has(kind):
        return Verdict(ABSENT)
    answer = present(fleet, holding, kind, process)
    if (kind == "refresh token" and process != "server") or (kind == "cookie" and process == "export"):
        worth = NEVER if answer.status == 401 else str(answer.status)
    elif answer.status == 200:
        worth = GOOD
    elif answer.status == 401 or (answer.status == 400 and answer.code == "invalid_grant"):
        worth = ENDED
    else:
        worth = str(answer.status)
    return Verdict(worth, answer.status, answer.code)


def worth_of(fleet: Fleet, holding: Holding) -> Worth:
    """Presents everything that a device holds at every process."""
    verdicts = {
        (kind, process): verdict_on(fleet, holding, kind, process)
        for kind in ("access token", "cookie", "refresh token")
        for process in PROCESSES
    }
    return Worth(holding.name, {(kind, process): verdicts[kind, process] for kind in KINDS for process in PROCESSES})


def arrivals(fleet: Fleet, holding: Holding, processes: tuple[str, ...], returned_at: float) -> list[Arrival]:
    """Asks each process until it refuses what was ended.

    Args:
        fleet: the processes.
        holding: what the ended session's device holds.
        processes: which to ask.
        returned_at: when the call that ended it returned, `time.monotonic()`.
    """
    kinds: tuple[Kind, ...] = ("access token", "cookie")
    waiting = {process: Arrival(process, -1.0) for process in processes}
    while any(one.milliseconds < 0 for one in waiting.values()) and time.monotonic() < returned_at + ARRIVAL_S:
        for process, one in waiting.items():
            if one.milliseconds >= 0:
                continue
            found = {verdict_on(fleet, holding, kind, process).worth for kind in kinds}
            if GOOD in found:
                one.retries += 1
            else:
                one.milliseconds = (time.monotonic() - returned_at) * 1000
        time.sleep(0 if all(one.milliseconds >= 0 for one in waiting.values()) else POLL_S)
    return list(waiting.values())
