"""`/sign-up`: an account for whoever asks."""

from __future__ import annotations

from collections.abc import Collection

from starlette.requests import Request
from starlette.responses import Response

from tallystick.authority.authority import Authority
from tallystick.web.bodies import JSON, read_body
from tallystick.web.endpoints.session import demand_own_page
from tallystick.web.presenting import Desk, network_of, single
from tallystick.web.replies import json_reply


class Accounts:
    """The resource of people.

    Args:
        authority: whose.
        trusted_origins: whose pages may act for whoever is signed in.
    """

    def __init__(self, authority: Authority, trusted_origins: Collection[str]) -> None:
        self.authority = authority
        self.desk = Desk(authority, trusted_origins)

    async def sign_up(self, request: Request) -> Response:
        """POST `/sign-up`: creates an account; nobody is signed in by it.

        An address that is taken is answered with 409: as long as no mail proves who owns an address, another answer
        would be a lie that the next sign-in gives away.
        """
        body = read_body(single(request, "content-type"), await request.body(), (JSON,))
        demand_own_page(request, self.desk, body)
        account = await self.authority.sign_up(body.text("email"), body.text("password"), network=network_of(request))
        return json_reply({"principal": {"id": account.id}}, 201)
