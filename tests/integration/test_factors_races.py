"""Two at once: of the same code, the same recovery code, the same handle, one wins, whoever is first to the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tallystick.identity.factors import FactorProof, RecoveryCode, TotpCode
from tests.support.factors import Owner, an_owner
from tests.support.house import NETWORK, NEW_PASSWORD, PASSWORD, House, Pause, code_of, revealed

pytestmark = pytest.mark.anyio


async def overtaken(house: House, first: Awaitable[Any], meanwhile: Callable[[], Awaitable[Any]]) -> str:
    """Runs something up to its commit, then something else, and gives how the first one ends."""
    pause = Pause()

    async def before(name: str, _: int) -> None:
        if name == "commit":
            await pause.here()

    with house.door.with_before(before):
        answer: str = await pause.run(code_of(first), meanwhile)
    return answer


def proofs_of(owner: Owner) -> dict[str, Callable[[Any], FactorProof]]:
    """Gives one proof of each kind, the same each time for what can be the same."""
    code, paper = owner.code(), owner.codes[0]
    return {
        "totp": lambda _: TotpCode(code),
        "recovery_code": lambda _: RecoveryCode(paper),
        "passkey": owner.by_passkey,
    }


@pytest.mark.parametrize("method", ["totp", "recovery_code"])
async def test_the_same_code_twice_opens_one_session(house: House, method: str) -> None:
    """Two sign-ins with the same code, one stopped just before its commit: only the other gets a session."""
    owner = await an_owner(house, "totp")
    proof = proofs_of(owner)[method]
    first, second = await owner.begin(), await owner.begin()
    answers: list[str] = []

    async def other() -> None:
        answers.append(await code_of(owner.prove(second, proof(second))))

    answers.append(await overtaken(house, owner.prove(first, proof(first)), other))
    assert answers == ["good", "authentication.failed"]
    assert await owner.sessions() == 2


@pytest.mark.parametrize("method", ["totp", "recovery_code", "passkey"])
@pytest.mark.parametrize("other_method", ["totp", "recovery_code", "passkey"])
async def test_the_same_handle_twice_opens_one_session(house: House, method: str, other_method: str) -> None:
    """Two posts of one pending sign-in, by whatever two proofs: one session, and the other is told that it is over."""
    owner = await an_owner(house, "totp", "passkey")
    pending, proofs = await owner.begin(), proofs_of(owner)
    answers: list[str] = []

    async def other() -> None:
        answers.append(await code_of(owner.prove(pending, proofs[other_method](pending))))

    answers.append(await overtaken(house, owner.prove(pending, proofs[method](pending)), other))
    assert answers == ["good", "authentication.expired"]
    assert await owner.sessions() == 2


async def test_many_posts_at_once_open_one_session(house: House) -> None:
    """Twelve posts of three handles with one code, all at once: one session."""
    owner = await an_owner(house, "totp")
    pending = [await owner.begin() for _ in range(3)]
    code = owner.by_code()
    posts = [owner.prove(pending[number % 3], code, network=f"203.0.113.{number}") for number in range(12)]
    answers = await asyncio.gather(*(code_of(post) for post in posts))
    assert answers.count("good") == 1
    assert set(answers) <= {"good", "authentication.failed", "authentication.expired", "throttled", "unavailable"}
    assert await owner.sessions() == 2


async def test_one_handle_and_an_app_open_one_session_each(house: House) -> None:
    """A browser and an app with the same code: one of them."""
    owner, client = await an_owner(house, "totp"), await house.app()
    browser, app, code = await owner.begin(), await owner.begin_app(client), owner.by_code()
    answers: list[str] = []

    async def other() -> None:
        answers.append(await code_of(owner.prove(app, code, deliver="tokens")))

    answers.append(await overtaken(house, owner.prove(browser, code), other))
    assert answers == ["good", "authentication.failed"]


@pytest.mark.parametrize("act", ["change the password", "disable", "revoke", "remove the app"])
async def test_a_proof_that_was_judged_before_a_change_opens_nothing(house: House, act: str) -> None:
    """The last step was about to commit when the account changed: it loses."""
    owner = await an_owner(house, "totp")
    authority, cookie, pending = house.authority, owner.cookie, await owner.begin()
    acts: dict[str, Callable[[], Awaitable[Any]]] = {
        "change the password": lambda: authority.change_password(cookie, PASSWORD, NEW_PASSWORD, network=NETWORK),
        "disable": lambda: authority.disable_account(owner.account.id, because="test"),
        "revoke": lambda: authority.revoke(owner.account.id, because="test"),
        "remove the app": lambda: authority.remove_totp(cookie),
    }
    answer = await overtaken(house, owner.prove(pending, owner.by_code()), acts[act])
    assert answer == ("authentication.failed" if act == "remove the app" else "authentication.expired")
    assert await owner.sessions() == (0 if act in ("disable", "revoke") else 1)


async def test_two_enrolments_at_once_keep_both(house: House) -> None:
    """An app and a passkey confirmed at the same time are both there, and one set of recovery codes was shown."""
    owner = await an_owner(house)
    shown: list[Any] = []
    passkey = await house.authority.begin_passkey(owner.cookie)
    made = owner.passkey.create(passkey.options)

    async def other() -> None:
        await owner.add_totp()

    pause = Pause()

    async def before(name: str, _: int) -> None:
        if name == "commit":
            await pause.here()

    async def confirm() -> None:
        handle = revealed(passkey.handle)
        shown.extend(await house.authority.confirm_passkey(owner.cookie, handle, made, "phone"))

    with house.door.with_before(before):
        await pause.run(confirm(), other)
    held = (await owner.stored()).authenticators
    assert (held.totp is not None, len(held.passkeys), len(held.recovery)) == (True, 1, 10)
    assert (len(owner.codes), len(shown)) == (10, 0)
