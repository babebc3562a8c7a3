"""`/doctor`: shows the doctor its own request as the server sees it. For everybody else there is no such path.

Whoever asks must hold the root key: the header X-Tallystick-Probe carries the instant until which the question is good,
sealed under it. The answer tells nothing but that request, the time, and what is public anyway.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable

from tallystick.authority.authority import Authority
from tallystick.core.keys.lifecycle import SigningKey, published
from tallystick.errors import Misconfigured, NotFound
from tallystick.http import cookie_name_of, set_cookie
from tallystick.ports import Sealer
from tallystick.web.call import Call, Reply, json_reply

PATH = "/doctor"
PROBE_HEADER = "x-tallystick-probe"
PROBE_LIFETIME_S = 60
_CLOCK_SLACK_S = 24 * 3600
"""The clocks may differ: that is one of the things the doctor asks about."""
_PURPOSE = "doctor probe"
_PROBE_BYTES_MAX = 256
SEEN = (
    "authorization", "cookie", "forwarded", "host", "origin", "sec-fetch-site", "via", "x-csrf-token",
    "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip",
)  # fmt: skip
"""The request headers that it shows."""


def probe(sealer: Sealer, now: int) -> str:
    """Makes the value of the header that opens the mirror.

    Args:
        sealer: under the root key of the server.
        now: the instant, in seconds.
    """
    return base64.urlsafe_b64encode(sealer.seal(_PURPOSE, b"%d" % (now + PROBE_LIFETIME_S))).decode().rstrip("=")


def mirror_cookie(issuer: str) -> str:
    """Gives the cookie that the mirror sets: made like a session cookie, under a name of its own, and gone at once."""
    name = cookie_name_of(issuer)
    return set_cookie(issuer, "", 0).replace(f"{name}=", f"{name}-doctor=", 1)


def kids_of(keys: Iterable[SigningKey]) -> dict[str, int]:
    """Gives each key that is published, with the instant of its announcement."""
    known = tuple(keys)
    served = {one["kid"] for one in json.loads(published(known))["keys"]}
    return {str(one.kid): one.announced_at for one in known if str(one.kid) in served}


class Mirror:
    """The mirror.

    Args:
        authority: whose.
    """

    def __init__(self, authority: Authority) -> None:
        self.authority = authority

    async def show(self, call: Call) -> Reply:
        """GET `/doctor`: the request as it arrived, for the holder of the root key; 404 for everybody else."""
        now = self.authority.world.clock.now()
        self._demand_probe(call.single(PROBE_HEADER.encode()), now)
        fields = call.fields
        peer = call.scope.get("client") or ("", 0)
        content = {
            "issuer": self.authority.issuer,
            "now": now,
            "kids": kids_of(await self.authority.keys()),
            "network": call.network,
            "peer": f"{peer[0]} {peer[1]}",
            "scheme": call.scope.get("scheme", ""),
            "seen": {name: fields[name.encode()].decode("latin-1") for name in SEEN if name.encode() in fields},
            "cookie": mirror_cookie(self.authority.issuer),
        }
        return json_reply(content, more=((b"set-cookie", mirror_cookie(self.authority.issuer).encode()),))

    def _demand_probe(self, value: bytes | None, now: int) -> None:
        try:
            if value is None or len(value) > _PROBE_BYTES_MAX:
                raise ValueError("no probe")
            sealed = base64.b64decode(value + b"=" * (-len(value) % 4), altchars=b"-_", validate=True)
            until = int(self.authority.world.sealer.unseal(_PURPOSE, sealed))
        except (ValueError, Misconfigured):
            raise NotFound("no probe of the doctor, or of another root key") from None
        if abs(until - now) > PROBE_LIFETIME_S + _CLOCK_SLACK_S:
            raise NotFound("a probe of another day")
