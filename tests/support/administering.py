"""An administrator with a browser, for tests of `/admin`."""

from __future__ import annotations

import re
from typing import Any

from tallystick.core.ids import PrincipalId
from tallystick.identity.account import ADMIN_PERMISSION
from tests.integration.asgi import House, Reply

ROOT = "root@example.com"
ROOT_PASSWORD = "nine notches on a rowan stick"
ORIGIN = (("sec-fetch-site", "same-origin"),)


class Administrator:
    """A browser in which an administrator is signed in.

    Args:
        house: the authority with its app.
        email: of the administrator.
    """

    def __init__(self, house: House, email: str = ROOT) -> None:
        self.house = house
        permissions = frozenset({ADMIN_PERMISSION})
        self.id = house.do(house.authority.create_account(email, ROOT_PASSWORD, permissions=permissions)).id
        self.cookie = house.sign_in(email, ROOT_PASSWORD).cookie

    def look(self, path: str, query: str = "", **more: Any) -> Reply:
        """Reads a page."""
        return self.house.ask("GET", path, cookie=self.cookie, query=query, **more)

    @property
    def csrf(self) -> str:
        """What a form of our own page sends along."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.look("/admin/accounts").raw.decode())
        assert found is not None
        return found[1]

    def send(self, path: str, form: dict[str, str], **more: Any) -> Reply:
        """Sends a form of our own page."""
        headers = more.pop("headers", ORIGIN)
        cookie = more.pop("cookie", self.cookie)
        return self.house.ask("POST", path, headers, cookie=cookie, form={"csrf": self.csrf, **form}, **more)

    def act(self, what: str, target: str, because: str = "a test asked for it", **more: str) -> Reply:
        """Confirms an act."""
        return self.send("/admin/act", {"what": what, "id": target, "because": because, **more})

    def trail(self, principal: PrincipalId | None = None) -> list[Any]:
        """Gives the newest entries of the audit trail."""
        return list(self.house.do(self.house.authority.acts(principal, limit=20)))
