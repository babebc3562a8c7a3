"""Known devices: a cookie that says that somebody signed in to this account from this browser before.

It proves nobody's identity and opens nothing. It buys one thing: wrong passwords from this device are counted by themselves,
so that a stranger's guesses do not keep the owner out, and whoever stole the cookie gets a handful of guesses of his own.

What is sealed in it is the text `<principal> <device> <issued at> <password changed at>`. The last word ties it to the
password that was proved: after a change, which grows that instant always, no earlier cookie is known any more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tallystick.core.ids import PrincipalId
from tallystick.identity.account import Account

DEVICE_BYTES = 16
LIFETIME = 400 * 86400
"""How long browsers keep a cookie at most (RFC 6265bis section 5.5)."""
PURPOSE = "device"
_TEXT = re.compile(r"([1-9A-Za-z]{22}) ([0-9a-f]{32}) ([0-9]{1,12}) ([0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that signed in to an account before.

    Args:
        principal: whose account.
        name: 128 random bits in hexadecimal, the same for as long as the browser keeps the cookie.
        issued_at: instant of the last sign-in.
        password_changed_at: of the account, at that sign-in.
    """

    principal: PrincipalId
    name: str
    issued_at: int
    password_changed_at: int

    def __repr__(self) -> str:
        return f"Device(principal={self.principal!s})"

    def to_bytes(self) -> bytes:
        """Gives what is sealed."""
        return f"{self.principal} {self.name} {self.issued_at} {self.password_changed_at}".encode()

    @classmethod
    def parse(cls, plain: bytes) -> Device | None:
        """Reads what was sealed; None if it is of a form that is not known."""
        found = _TEXT.fullmatch(plain.decode("latin-1"))
        principal = PrincipalId.parse(found[1]) if found else None
        if found is None or principal is None:
            return None
        return cls(principal, found[2], int(found[3]), int(found[4]))

    def known_to(self, account: Account, now: int) -> bool:
        """Tells whether this device has signed in to an account with its password of today, not too long ago."""
        same = self.principal == account.id and self.password_changed_at == account.password_changed_at
        return same and now < self.issued_at + LIFETIME


def device_of(account: Account, before: Device | None, fresh: bytes, now: int) -> Device:
    """Gives the device of a sign-in that is complete.

    Args:
        account: whose.
        before: what the browser presented, if that was read.
        fresh: 16 random bytes for the name of a new one.
        now: the instant.
    """
    name = before.name if before is not None and before.known_to(account, now) else fresh.hex()
    return Device(account.id, name, now, account.password_changed_at)
