"""`/metrics`: the numbers of this server, for whoever watches it and nobody else (ASVS 13.4.5)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from hmac import compare_digest
from ipaddress import ip_address

from tallystick.core.secret import Secret
from tallystick.errors import CredentialMissing, NotFound
from tallystick.verifier.exposition import CONTENT_TYPE
from tallystick.web.call import Call, Reply

FORWARDED = (
    b"forwarded",
    b"via",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-real-ip",
    b"cf-connecting-ip",
    b"true-client-ip",
    b"x-client-ip",
)
"""What proxies add: a request that carries one of them came from further away than its peer."""
LOOPBACK_HOSTS = (b"localhost", b"127.0.0.1", b"[::1]")
_PORT = re.compile(rb":[0-9]{1,5}\Z")


class Metrics:
    """The page of metrics.

    Theory of operation. Whoever knows the token may read it. Without a token a request must come from this host: the
    peer is a loopback address, no proxy has left a trace, the Host is a loopback name (a proxy that hides what it does
    still passes the name that the world uses, and a page whose name was rebound to 127.0.0.1 sends its own), and no
    browser says that a page of another site sent it. To everybody else the path does not exist.

    Args:
        page: gives the page.
        token: what a reader may present as `Authorization: Bearer`; None if nobody may.
    """

    def __init__(self, page: Callable[[], Awaitable[str]], token: Secret | None) -> None:
        self._page = page
        self._digest = sha256(token.reveal().encode()).digest() if token is not None else None

    async def show(self, call: Call) -> Reply:
        """GET `/metrics`: the page, in Prometheus' text format 0.0.4.

        Raises:
            NotFound: it is not for whoever asks, and no token would help.
            CredentialMissing: a token would help, and none or another one was presented.
        """
        if not (self._knows_token(call) or is_of_this_host(call)):
            if self._digest is None:
                raise NotFound("the metrics are read from this host only: no metrics_token is set")
            raise CredentialMissing("no metrics token, or a wrong one")
        page = await self._page()
        fields = ((b"content-type", CONTENT_TYPE.encode()), (b"cache-control", b"no-store"))
        return Reply(200, fields, page.encode())

    def _knows_token(self, call: Call) -> bool:
        scheme, _, value = call.fields.get(b"authorization", b"").partition(b" ")
        if self._digest is None or scheme.lower() != b"bearer" or b"authorization" in call.repeated:
            return False
        return compare_digest(sha256(value.strip()).digest(), self._digest)


def is_of_this_host(call: Call) -> bool:
    """Tells whether a request was surely sent by a process of this host, and not by a page in a browser."""
    peer = call.scope.get("client")
    if peer is None or not _is_loopback(peer[0]) or not _is_loopback(call.network):
        return False
    if any(name in call.fields for name in FORWARDED):
        return False
    name = _PORT.sub(b"", call.fields.get(b"host", b"").lower())
    return name in LOOPBACK_HOSTS and call.fields.get(b"sec-fetch-site", b"none") == b"none"


def _is_loopback(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback
