"""A second factor over HTTP: `POST /session` in two steps, in JSON and in forms, and `POST /session/passkey`."""

from __future__ import annotations

import json
import time
from base64 import b32decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.ids import ClientId
from tallystick.identity.totp import STEP_S, code_at
from tests.integration.asgi import HTTPS, House, Reply, a_house
from tests.support.embedded import EMAIL, PASSWORD
from tests.support.soft_passkey import SoftPasskey

GOOD = {"email": EMAIL, "password": PASSWORD}
OURS = ("origin", "https://notes.example")
EVIL = ("origin", "https://evil.example")


class Person:
    """Who has an app and a passkey, enrolled by the façade as the pages do it.

    Args:
        house: where.
    """

    def __init__(self, house: House) -> None:
        self.house = house
        self.passkey = SoftPasskey("https://notes.example")
        self.steps = iter((0, 1))
        authority, cookie = house.authority, house.sign_in().cookie.partition("=")[2]
        offer = house.do(authority.begin_totp(cookie))
        self.secret = b32decode(offer.secret.reveal())
        codes = house.do(authority.confirm_totp(cookie, offer.handle.reveal(), self.code_of(-1)))
        self.codes = [code.reveal() for code in codes]
        key = house.do(authority.begin_passkey(cookie))
        house.do(authority.confirm_passkey(cookie, key.handle.reveal(), self.passkey.create(key.options), "key"))

    def code_of(self, ahead: int) -> str:
        """Gives the code of the app, some steps ahead."""
        return code_at(self.secret, int(time.time()) // STEP_S + ahead)

    def code(self) -> str:
        """Gives a code that was not used yet."""
        return self.code_of(next(self.steps))

    def answer(self, asked: Reply) -> Any:
        """Gives what the passkey says to what a reply asks."""
        return json.loads(self.passkey.get(asked.body["passkey_options"]))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An authority on https, behind a path."""
    with a_house(tmp_path, HTTPS) as house:
        yield house


@pytest.fixture
def person(house: House) -> Person:
    """Somebody with an app and a passkey."""
    return Person(house)


def app_of(house: House) -> ClientId:
    """Registers a first-party native app."""
    client, _ = house.do(house.authority.create_client("phone", kind="native", first_party=True, scopes=["notes:read"]))
    return client.id


def begin(house: House, **more: Any) -> Reply:
    """Sends the right password and gives the answer, which is not yet a session."""
    reply = house.ask("POST", "/session", data={**GOOD, **more})
    assert (reply.status, reply.error) == (401, "authentication.incomplete"), reply.raw
    return reply


def test_the_first_step_tells_what_is_left_and_nothing_else(house: House, person: Person) -> None:
    """401 with a handle and the methods left; no cookie, no token, nothing of the account."""
    reply = begin(house)
    assert set(reply.body) == {"error", "message", "pending", "methods", "expires_in", "passkey_options"}
    assert reply.body["methods"] == ["passkey", "totp", "recovery_code"]
    assert reply.body["expires_in"] == 600
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert "set-cookie" not in reply.headers
    assert EMAIL not in json.dumps(reply.body)


def test_a_code_gives_the_cookie(house: House, person: Person) -> None:
    """The second step answers as a sign-in without a second factor does."""
    pending = begin(house).body["pending"]
    reply = house.ask("POST", "/session", data={"pending": pending, "code": person.code()})
    assert reply.status == 200
    assert set(reply.body) == {"session", "principal", "csrf"}
    assert reply.body["session"]["amr"] == ["pwd", "otp", "mfa"]
    shown = house.ask("GET", "/session", cookie=reply.cookie)
    assert shown.body["session"]["acr"] == "urn:tallystick:mfa"


def test_a_form_does_the_same(house: House, person: Person) -> None:
    """Both steps as forms from a page of ours, with a recovery code and with a passkey's answer as text."""
    for proof in ("recovery_code", "passkey"):
        first = house.ask("POST", "/session", [OURS], form={**GOOD, "stay": "on"})
        assert first.error == "authentication.incomplete"
        said = person.codes.pop() if proof == "recovery_code" else json.dumps(person.answer(first))
        second = house.ask("POST", "/session", [OURS], form={"pending": first.body["pending"], proof: said})
        assert second.status == 200, second.raw
        assert "Max-Age" in second.headers["set-cookie"]


def test_a_passkey_completes_it(house: House, person: Person) -> None:
    """Its answer goes as an object, as `toJSON()` gives it."""
    first = begin(house)
    data = {"pending": first.body["pending"], "passkey": person.answer(first)}
    reply = house.ask("POST", "/session", data=data)
    assert reply.status == 200
    assert reply.body["session"]["acr"] == "urn:tallystick:passkey"


def test_an_app_gets_tokens_after_both_steps(house: House, person: Person) -> None:
    """With `deliver: tokens` in both, an OAuth token response and no cookie; without it in the second, nothing."""
    client = app_of(house)
    first = begin(house, deliver="tokens", client_id=client, scope="notes:read")
    pending, code = first.body["pending"], person.code()
    assert house.ask("POST", "/session", data={"pending": pending, "code": code}).error == "authentication.expired"
    reply = house.ask("POST", "/session", data={"pending": pending, "code": code, "deliver": "tokens"})
    assert reply.status == 200
    assert set(reply.body) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert "set-cookie" not in reply.headers
    assert house.ask("GET", "/session", bearer=reply.body["access_token"]).status == 200


def test_a_passkey_signs_in_alone(house: House, person: Person) -> None:
    """`/session/passkey` gives a challenge, and one answer to it is enough."""
    begun = house.ask("POST", "/session/passkey", data={"stay": True})
    assert begun.status == 200
    assert begun.body["methods"] == ["passkey"]
    assert begun.body["passkey_options"]["userVerification"] == "required"
    data = {"pending": begun.body["pending"], "passkey": person.answer(begun)}
    reply = house.ask("POST", "/session", data=data)
    assert (reply.status, reply.body["session"]["amr"]) == (200, ["pop", "mfa"])
    assert "Max-Age" in reply.headers["set-cookie"]
    assert house.ask("POST", "/session", data=data).error == "authentication.expired"


@pytest.mark.parametrize("step", ["first", "second", "passkey"])
def test_another_site_cannot_take_a_step(house: House, person: Person, step: str) -> None:
    """Login CSRF: nobody can be signed in, in either step, by a page that is not ours."""
    pending = begin(house).body["pending"]
    data = {"first": GOOD, "second": {"pending": pending, "code": person.code()}, "passkey": {}}[step]
    path = "/session/passkey" if step == "passkey" else "/session"
    assert house.ask("POST", path, [EVIL], data=data).error == "request.cross_site"
    form = {name: str(value) for name, value in data.items()}
    assert house.ask("POST", path, form=form or {"stay": "on"}).error == "request.cross_site"


@pytest.mark.parametrize(
    "more",
    [{}, {"code": "123456", "recovery_code": "x"}, {"code": 123456}, {"code": ["1"]}, {"passkey": "text"},
     {"passkey": []}, {"recovery_code": {}}, {"code": "\ud800"}, {"code": None}],
)  # fmt: skip
def test_a_step_without_exactly_one_proof_is_malformed(house: House, person: Person, more: dict[str, Any]) -> None:
    """Nothing, several, or something of another type is 400, and the handle stays good."""
    pending = begin(house).body["pending"]
    assert house.ask("POST", "/session", data={"pending": pending, **more}).error == "request.invalid"
    assert house.ask("POST", "/session", data={"pending": pending, "code": person.code()}).status == 200


@pytest.mark.parametrize("proof", [{"code": "000000"}, {"recovery_code": "0" * 24}, {"passkey": {"id": "AAAA"}}])
def test_a_wrong_proof_is_told_as_such(house: House, person: Person, proof: dict[str, Any]) -> None:
    """401 `authentication.failed`, with a sentence about what was wrong; a handle that is over is another code."""
    pending = begin(house).body["pending"]
    reply = house.ask("POST", "/session", data={"pending": pending, **proof})
    assert (reply.status, reply.error) == (401, "authentication.failed")
    assert "password" not in reply.body["message"]
    over = house.ask("POST", "/session", data={"pending": "tsh_" + "A" * 43, **proof})
    assert (over.status, over.error) == (401, "authentication.expired")


def test_a_wrong_password_says_nothing_of_factors(house: House, person: Person) -> None:
    """Whoever does not know the password does not learn that there is a second factor."""
    reply = house.ask("POST", "/session", data={**GOOD, "password": "wrong wrong wrong"})
    assert (reply.error, set(reply.body)) == ("authentication.failed", {"error", "message"})


def test_challenges_are_throttled_by_network(house: House) -> None:
    """Nobody fills the store with challenges; others go on, and time helps."""
    answers = [house.ask("POST", "/session/passkey", data={}) for _ in range(70)]
    assert {reply.status for reply in answers[:60]} == {200}
    assert answers[-1].error == "throttled"
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert house.ask("POST", "/session/passkey", data={}, client="198.51.100.7").status == 200
