"""A stranger's guesses slow down strangers, not the device on which the owner is signed in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tallystick import Authority
from tallystick.errors import AuthenticationFailed, Throttled
from tests.support.embedded import EMAIL, NETWORK, PASSWORD, embedded

NEW = "eleven grey herons by the weir"


async def guess_from_everywhere(authority: Authority) -> None:
    """Guesses from one network after the other until an untouched network must wait too."""
    for number in range(200):
        try:
            await authority.sign_in(EMAIL, "a wrong guess", network=f"2001:db8:0:{number:x}::1")
        except AuthenticationFailed:
            continue
        except Throttled:
            return
    raise AssertionError("guesses from everywhere were never slowed down")


def test_the_owner_of_a_live_session_is_not_locked_out_by_strangers(tmp_path: Path) -> None:
    """While strangers guess, who is signed in can still prove the password, sign in again and change it."""

    async def story() -> None:
        async with embedded(tmp_path) as authority:
            await authority.create_account(EMAIL, PASSWORD)
            cookie = (await authority.sign_in(EMAIL, PASSWORD, network=NETWORK)).cookie.reveal()
            await guess_from_everywhere(authority)
            cookie = (await authority.step_up(cookie, PASSWORD, network=NETWORK)).cookie.reveal()
            cookie = (await authority.sign_in(EMAIL, PASSWORD, network=NETWORK, cookie=cookie)).cookie.reveal()
            await authority.change_password(cookie, PASSWORD, NEW, network=NETWORK)

    asyncio.run(story())


def test_a_stolen_cookie_does_not_buy_unlimited_guesses(tmp_path: Path) -> None:
    """Whoever holds a cookie and guesses at its password is slowed down, also from ever new networks."""

    async def story() -> None:
        async with embedded(tmp_path) as authority:
            await authority.create_account(EMAIL, PASSWORD)
            cookie = (await authority.sign_in(EMAIL, PASSWORD, network=NETWORK)).cookie.reveal()
            refused: list[type[Exception]] = []
            for number in range(60):
                with pytest.raises((AuthenticationFailed, Throttled)) as caught:
                    await authority.step_up(cookie, "a wrong guess", network=f"2001:db8:0:{number:x}::1")
                refused.append(caught.type)
            assert refused[0] is AuthenticationFailed
            assert Throttled in refused

    asyncio.run(story())
