"""The story of the demo, step by step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tallystick.authority.issued import Revoked
from tallystick.cli import facts
from tallystick.cli.demo.fleet import Fleet
from tallystick.cli.demo.steps import Step
from tallystick.cli.demo.stopped import stopped_verifier
from tallystick.cli.demo.wire import call
from tallystick.cli.demo.worth import ENDED, GOOD, PROCESSES, Holding, arrivals, refresh, worth_of
from tallystick.core.ids import PrincipalId, SessionId
from tallystick.embed import Authority
from tallystick.errors import Unavailable

EMAIL = "ada@example.com"
PASSWORD = "seven notches on a hazel stick"
SLACK_S = 2.0
"""How much longer than the bound a call may take on a busy machine before the demo calls it a fault."""


@dataclass(slots=True)
class Story:
    """Tells the story with a running fleet and an authority embedded in this very process, on the same store.

    Args:
        fleet: the server, the notes API and the export service.
        authority: the console: it ends things, as an operator would.
        tell: called with each step when it is over.
    """

    fleet: Fleet
    authority: Authority
    tell: Callable[[Step], None]
    steps: list[Step] = field(default_factory=list)
    client: str = ""
    principal: PrincipalId = field(default_factory=lambda: PrincipalId(""))
    devices: dict[str, Holding] = field(default_factory=dict)

    def begin(self, name: str, title: str, guarantee: str = "") -> Step:
        """Begins a step."""
        self.steps.append(Step(len(self.steps) + 1, name, title, guarantee))
        return self.steps[-1]

    async def look(self, step: Step, expected: dict[str, str]) -> None:
        """Asks what the credentials of devices are worth, compares, and tells the step."""
        for name, worth in expected.items():
            holding = self.devices[name]
            step.compare(holding, await asyncio.to_thread(worth_of, self.fleet, holding), worth)
        self.tell(step)

    async def whole(self) -> list[Step]:
        """Tells everything and gives the steps."""
        await self.sign_up()
        await self.sign_in_by_cookie()
        await self.mint()
        await self.sign_in_by_app()
        await self.refresh_and_repeat()
        await self.replay()
        await self.three_devices()
        await self.end_one()
        await self.end_all_but_one()
        await self.end_all()
        await stopped_verifier(self)
        return self.steps

    async def sign_up(self) -> None:
        """Makes an account and registers the phone app."""
        step = self.begin("sign up", "sign up, and register an app")
        port = self.fleet.port("server")
        answer = await asyncio.to_thread(call, port, "POST", "/sign-up", data={"email": EMAIL, "password": PASSWORD})
        if answer.status != 201:
            raise Unavailable(f"signing up was answered with {answer.status} {answer.code}")
        app, secret = await self.authority.create_client("phone app", kind="native", first_party=True)
        step.demand(secret is None, "a native app was given a secret, which it cannot keep")
        self.principal, self.client = PrincipalId(str(answer.body["principal"]["id"])), str(app.id)
        step.seen = {"principal": str(self.principal), "client": self.client}
        self.tell(step)

    async def browser(self, name: str) -> Holding:
        """Signs a browser in with the password and keeps its cookie."""
        answer = await asyncio.to_thread(
            call,
            self.fleet.port("server"),
            "POST",
            "/session",
            data={"email": EMAIL, "password": PASSWORD},
            agent=name,
        )
        if answer.status not in (200, 201):
            raise Unavailable(f"signing in by {name} was answered with {answer.status} {answer.code}")
        session = str(answer.body["session"]["id"])
        self.devices[name] = Holding(name, session, answer.cookie(), str(answer.body["csrf"]))
        return self.devices[name]

    async def token_of(self, holding: Holding) -> None:
        """Mints an access token from a browser's cookie."""
        answer = await asyncio.to_thread(
            call,
            self.fleet.port("server"),
            "POST",
            "/session/access-token",
            cookie=holding.cookie,
            csrf=holding.csrf,
        )
        if answer.status != 200:
            raise Unavailable(f"minting for {holding.name} was answered with {answer.status} {answer.code}")
        holding.access_token = str(answer.body["access_token"])

    async def app(self, name: str) -> Holding:
        """Signs the phone app in with the password and keeps its tokens."""
        answer = await asyncio.to_thread(
            call,
            self.fleet.port("server"),
            "POST",
            "/session",
            data={"email": EMAIL, "password": PASSWORD, "deliver": "tokens", "client_id": self.client},
            agent=name,
        )
        if answer.status != 200:
            raise Unavailable(f"signing in by {name} was answered with {answer.status} {answer.code}")
        holding = Holding(name, "", client=self.client)
        holding.refresh_token = str(answer.body["refresh_token"])
        holding.access_token = str(answer.body["access_token"])
        holding.session = str(self.authority.verify(holding.access_token).id)
        self.devices[name] = holding
        return holding

    async def sign_in_by_cookie(self) -> None:
        """A browser gets a cookie; the notes API takes it too, since it shares the host."""
        step = self.begin("sign in by cookie", "the laptop signs in: a session cookie")
        laptop = await self.browser("laptop")
        step.seen = {"session": laptop.session}
        await self.look(step, {"laptop": GOOD})

    async def mint(self) -> None:
        """A JWT is minted from the cookie; each process checks it in its own memory."""
        step = self.begin(
            "mint a JWT", "the laptop mints an access token from its cookie and calls both services", "OneRoot"
        )
        await self.token_of(self.devices["laptop"])
        await self.look(step, {"laptop": GOOD})

    async def sign_in_by_app(self) -> None:
        """An app gets a refresh token and an access token."""
        step = self.begin("sign in by app", "the phone app signs in: a refresh token and an access token")
        phone = await self.app("phone")
        step.seen = {"session": phone.session}
        await self.look(step, {"phone": GOOD})

    async def refresh_and_repeat(self) -> None:
        """A refresh whose answer was lost is repeated and gives the identical successor."""
        step = self.begin(
            "refresh, repeat",
            "the phone refreshes, loses the answer and asks again: the identical successor",
            "OneWinner",
        )
        phone = self.devices["phone"]
        first = await asyncio.to_thread(refresh, self.fleet, phone)
        again = await asyncio.to_thread(refresh, self.fleet, phone)
        old, successor = phone.refresh_token, str(first.body.get("refresh_token", ""))
        step.demand(first.status == again.status == 200, f"answered {first.status}, then {again.status}")
        step.demand(successor == again.body.get("refresh_token"), "the repeated refresh gave another successor")
        step.demand(successor not in ("", old), "the refresh token was not rotated")
        step.seen = {"identical": successor == again.body.get("refresh_token")}
        phone.refresh_token, phone.access_token = successor, str(again.body.get("access_token", ""))
        await self.look(step, {"phone": GOOD})

    async def replay(self) -> None:
        """A refresh token from two generations ago comes back: somebody has a copy, so that session ends."""
        step = self.begin(
            "replay an old one", "somebody replays an old refresh token of the phone: its session ends", "OneWinner"
        )
        phone = self.devices["phone"]
        old = phone.refresh_token
        for _ in range(2):
            answer = await asyncio.to_thread(refresh, self.fleet, phone)
            step.demand(answer.status == 200, f"a rotation was answered with {answer.status} {answer.code}")
            phone.refresh_token = str(answer.body.get("refresh_token", ""))
            phone.access_token = str(answer.body.get("access_token", ""))
        replayed = await asyncio.to_thread(refresh, self.fleet, phone, old)
        returned_at = time.monotonic()
        step.demand(replayed.status == 400, f"the replay was answered with {replayed.status} {replayed.code}")
        step.arrivals = await asyncio.to_thread(arrivals, self.fleet, phone, PROCESSES, returned_at)
        bound_s = self.authority.policy.staleness.bound_s
        late = [one.process for one in step.arrivals if not 0 <= one.milliseconds <= (bound_s + SLACK_S) * 1000]
        step.demand(not late, f"after the bound of {bound_s:.1f} s the ending had not reached {late}")
        await self.look(step, {"phone": ENDED, "laptop": GOOD})

    async def three_devices(self) -> None:
        """Three devices, three sessions, two kinds of renewable secret."""
        step = self.begin("three devices", "three devices: the laptop, a tablet and the phone, which signs in again")
        await self.token_of(await self.browser("tablet"))
        await self.app("phone")
        step.seen = {name: one.session for name, one in self.devices.items()}
        await self.look(step, {"laptop": GOOD, "tablet": GOOD, "phone": GOOD})

    async def ended(self, step: Step, revoked: Revoked, names: list[str], processes: tuple[str, ...]) -> None:
        """Notes what an ending gave, and that it was true everywhere when the call returned."""
        returned_at = time.monotonic()
        step.revoked = facts.of_revoked(revoked)
        for name in names:
            seen = await asyncio.to_thread(arrivals, self.fleet, self.devices[name], processes, returned_at)
            step.arrivals = seen if not step.arrivals else step.arrivals
            step.demand(
                all(one.retries == 0 and one.milliseconds >= 0 for one in seen),
                f"{name}: accepted after the call had returned: {[one.process for one in seen if one.retries]}",
            )

    async def end_one(self) -> None:
        """One session ends; the others do not notice."""
        step = self.begin("end one", "the tablet is lost: its session is ended, everywhere", "Everywhere")
        tablet = self.devices["tablet"]
        revoked = await self.authority.revoke(
            SessionId(tablet.session), because="the tablet is lost", strength="everywhere"
        )
        await self.ended(step, revoked, ["tablet"], PROCESSES)
        step.demand(not revoked.missing, f"these verifiers did not ack: {list(revoked.missing)}")
        await self.look(step, {"tablet": ENDED, "laptop": GOOD, "phone": GOOD})

    async def end_all_but_one(self) -> None:
        """Everywhere but here: the laptop keeps its session under a new cookie, everything else is over."""
        step = self.begin(
            "end all but one", "the laptop ends all other sessions, everywhere, and is born again", "MintedBefore"
        )
        laptop = self.devices["laptop"]
        name, _, value = laptop.cookie.partition("=")
        signed = await self.authority.end_all_but(value)
        revoked = await self.authority.await_everywhere(signed.view.tal)
        self.devices["old laptop"] = Holding("laptop (old)", laptop.session, laptop.cookie, "", "", laptop.access_token)
        await self.ended(step, revoked, ["phone", "old laptop"], PROCESSES)
        step.demand(signed.view.id == laptop.session, "the laptop was given another session")
        laptop.cookie, laptop.csrf = f"{name}={signed.cookie.reveal()}", signed.view.csrf or ""
        await self.token_of(laptop)
        await self.look(step, {"laptop": GOOD, "old laptop": ENDED, "phone": ENDED})

    async def end_all(self) -> None:
        """Every session of the person ends with one entry in the log."""
        step = self.begin("end all", "every session of ada is ended, everywhere", "OneRoot")
        await self.app("phone")
        revoked = await self.authority.revoke(self.principal, because="the account was stolen", strength="everywhere")
        await self.ended(step, revoked, ["laptop", "phone"], PROCESSES)
        step.demand(not revoked.missing, f"these verifiers did not ack: {list(revoked.missing)}")
        await self.look(step, {"laptop": ENDED, "phone": ENDED})
