"""Who may administer tallystick, and that there always is somebody.

Theory of operation. An act that takes an administrator away is committed together with the row of another one, as it is: a
witness. Two who disable each other at the same instant meet on those rows; one of them loses the compare-and-swap, looks
again, and finds nobody else.
"""

from __future__ import annotations

from tallystick.authority.world import World
from tallystick.errors import LastAdministrator
from tallystick.identity.account import ADMIN_PERMISSION, Account
from tallystick.ports import PutAccount

_PAGE = 500


async def witnesses(world: World, losing: Account, permission: str = ADMIN_PERMISSION) -> tuple[PutAccount, ...]:
    """Gives what to commit along with an act that takes an administrator away: the row of another one, as it is.

    Args:
        world: for the store.
        losing: the account as it is before the act.
        permission: what it loses; every permission but the administrator's needs no witness.

    Raises:
        LastAdministrator: there is no other enabled administrator.
    """
    if permission != ADMIN_PERMISSION or not is_administrator(losing):
        return ()
    after = ""
    while page := await world.store.accounts(after, _PAGE):
        for account in page:
            if account.id != losing.id and is_administrator(account):
                return (PutAccount(account),)
        after = page[-1].identifier
    raise LastAdministrator(f"account {losing.id} is the last enabled administrator")


def is_administrator(account: Account) -> bool:
    """Tells whether an account may administer tallystick now."""
    return account.enabled and ADMIN_PERMISSION in account.permissions
