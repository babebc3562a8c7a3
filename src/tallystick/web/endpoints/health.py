"""`/livez` and `/readyz`: for whoever decides where requests go."""

from __future__ import annotations

from tallystick.authority.authority import Authority
from tallystick.errors import Unavailable
from tallystick.web.call import Call, Reply, json_reply


class Health:
    """The probes.

    Args:
        authority: whose.
    """

    def __init__(self, authority: Authority) -> None:
        self.authority = authority

    async def alive(self, call: Call) -> Reply:
        """GET `/livez`: the process answers."""
        return json_reply({"alive": True})

    async def ready(self, call: Call) -> Reply:
        """GET `/readyz`: its verifier holds a lease, its store answers, and it is not about to end; else 503."""
        if not self.authority.ready():
            raise Unavailable("not ready: no lease, or about to end")
        await self.authority.head()
        return json_reply({"ready": True})
