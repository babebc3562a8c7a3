"""Notices: what the owner of an account is told by mail, when something about it changed. Without a mailer, nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from tallystick.authority.world import World
from tallystick.identity.account import Account
from tallystick.ports import Letter

Notice = Literal["password_changed", "factor_added", "factor_removed", "new_device"]
NOTICE_LIFETIME = 86_400


def tell_owner(world: World, account: Account, notice: Notice, *, network: str, **words: str) -> None:
    """Tells the owner of an account by mail; call it after the commit.

    Args:
        world: for the mailer.
        account: whose owner; the mail goes to the address of its row.
        notice: what happened.
        network: the address that the request came from.
        words: further words of the notice: `factor` for the ones about factors, `device` for a new device.
    """
    if world.mailer is None:
        return
    now = world.clock.now()
    told = {"when": when(now), "network": network, **words}
    world.mailer.post(Letter(notice, account.email, now + NOTICE_LIFETIME, told, account.id))


def when(at: int) -> str:
    """Gives an instant in words that a mail can say."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d at %H:%M UTC")
