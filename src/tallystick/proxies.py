"""Who sent a request, when a proxy handed it on: pure, and believing nobody who is not listed.

Theory of operation. The peer of the connection is the only thing that cannot be forged. Where it is not a listed proxy,
that is the answer and no header is looked at. A listed proxy appends whom it saw to the end of one list, so the list is
walked from its end: every listed proxy on the way vouches for the entry before its own, and the first entry that is no
listed proxy is the client. What stands left of it was written by the client and may say anything. Only one family of
headers is read, the one that the proxy is known to write: of the other one, and of spellings with an underscore, a client
may be the only author. Whatever is garbled on the way makes the peer's own address count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal, NamedTuple

from tallystick.errors import Misconfigured

Headers = Iterable[tuple[bytes, bytes]]
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Family = Literal["x-forwarded", "forwarded"]

LENGTH_MAX = 2048
"""The longest list of hops that is read, in bytes."""
HOPS_MAX = 32
_WIDEST = {4: 8, 6: 7}
"""No network wider than 10.0.0.0/8 or fc00::/7 is a list of proxies."""
_MAPPED = ip_network("::ffff:0:0/96")
_NODE_V4 = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){3})(?::[0-9]{1,5})?")
_NODE_V6 = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?|([0-9A-Fa-f:.]{2,45})")
# RFC 7239 section 4: forwarded-pair = token "=" ( token / quoted-string ), pairs separated by ";", elements by ",".
_PAIR = re.compile(
    r'[ \t]*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([!#$%&\'*+.^_`|~0-9A-Za-z:\[\]-]*))[ \t]*'
)


class Scheme(Enum):
    """How the client reached the outermost listed proxy."""

    HTTPS = "https"
    HTTP = "http"
    UNTOLD = "untold"
    """No listed proxy said so, or not in a way that can be read."""


class Origin(NamedTuple):
    """Where a request came from.

    Args:
        address: of the client, as text; for throttling and the audit trail.
        scheme: what a listed proxy says of the connection to it.
        host: the host that a listed proxy says was asked for, to be compared and never believed; None if it says none.
    """

    address: str
    scheme: Scheme = Scheme.UNTOLD
    host: str | None = None


class Proxies:
    """The listed proxies.

    Args:
        listed: addresses and networks, such as `10.0.0.7` and `10.1.0.0/16`.
        family: which headers they write: X-Forwarded-For, -Proto and -Host, or Forwarded (RFC 7239).

    Raises:
        Misconfigured: one is no address or network, or so wide that it lists strangers.
    """

    def __init__(self, listed: Sequence[str] = (), family: Family = "x-forwarded") -> None:
        self._networks = tuple(network_named(one) for one in listed)
        self._family: Family = family
        self.is_listed = lru_cache(maxsize=1024)(self._is_listed)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def _is_listed(self, address: str) -> bool:
        found = _address(address)
        return found is not None and any(found in network for network in self._networks)

    def origin(self, peer: str, headers: Headers) -> Origin:
        """Tells where a request came from.

        Args:
            peer: the address of the connection's other end.
            headers: of the request, as ASGI gives them: names in lower case.
        """
        if not self.is_listed(peer):
            return Origin(peer)
        read = _forwarded if self._family == "forwarded" else _x_forwarded
        told = read(headers)
        if told is None:
            return Origin(peer)
        hops, schemes, hosts = told
        at = self._client(hops)
        if at is None:
            return Origin(peer)
        address = peer if at == len(hops) else str(_node(hops[at]))
        if self._family == "forwarded":
            # Each element speaks for its own hop; that of the client's is the outermost listed proxy's.
            return Origin(address, _scheme(schemes[at : at + 1]), _host(hosts[at : at + 1]))
        # These two are set, not appended to; a list of several is only believed where all of it says the same.
        return Origin(address, _scheme(schemes), _host(hosts))

    def _client(self, hops: Sequence[str]) -> int | None:
        """Gives which entry is the client; the number of entries if there are none; None if the walk meets garbage."""
        at = len(hops)
        while at > 0:
            at -= 1
            found = _node(hops[at])
            if found is None:
                return None
            if not self.is_listed(str(found)):
                break
        return at


def network_named(text: str) -> Network:
    """Gives the addresses that an entry of the list names.

    Raises:
        Misconfigured: it names none, or so many that strangers are among them.
    """
    wide = f"the trusted proxy {text!r} would let anybody write their own address: list the proxies' own addresses"
    if "*" in text or text.lower() in ("all", "any"):
        raise Misconfigured(wide)
    try:
        network = ip_network(text.strip())
    except ValueError:
        raise Misconfigured(f"the trusted proxy {text!r} is no address and no network such as 10.1.0.0/16") from None
    if network.prefixlen < _WIDEST[network.version] or (network.version == 6 and network.overlaps(_MAPPED)):
        raise Misconfigured(wide)
    return network


def _address(text: str) -> Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        if found.scope_id is not None:
            return None
        return found.ipv4_mapped or found
    return found


def _node(text: str) -> Address | None:
    """Reads one hop: an address, with a port perhaps (RFC 7239 section 6); unknown and hidden names are none."""
    text = text.strip(" \t")
    found = _NODE_V4.fullmatch(text)
    if found is None:
        found = _NODE_V6.fullmatch(text)
    return None if found is None else _address(next(group for group in found.groups() if group is not None))


def _values(headers: Headers, name: bytes) -> list[str] | None:
    """Gives all members of a list header, also where it came in several lines (RFC 9110 section 5.3); None if too long."""
    lines = [value for key, value in headers if key == name]
    whole = b",".join(lines)
    if len(whole) > LENGTH_MAX or whole.count(b",") >= HOPS_MAX:
        return None
    return whole.decode("latin-1").split(",") if lines else []


def _x_forwarded(headers: Headers) -> tuple[list[str], list[str], list[str]] | None:
    headers = tuple(headers)
    found = [_values(headers, b"x-forwarded-" + name) for name in (b"for", b"proto", b"host")]
    hops, schemes, hosts = found
    return None if hops is None or schemes is None or hosts is None else (hops, schemes, hosts)


def _forwarded(headers: Headers) -> tuple[list[str], list[str], list[str]] | None:
    whole = b",".join(value for key, value in headers if key == b"forwarded").decode("latin-1")
    hops, schemes, hosts = [], [], []
    at = 0
    if len(whole) > LENGTH_MAX:
        return None
    while at < len(whole):
        element: dict[str, str] = {}
        while True:
            pair = _PAIR.match(whole, at)
            if pair is None or pair[1].lower() in element:
                return None
            element[pair[1].lower()] = pair[3] if pair[2] is None else re.sub(r"\\(.)", r"\1", pair[2])
            at = pair.end()
            if not whole.startswith(";", at):
                break
            at += 1
        if at < len(whole) and whole[at] != ",":
            return None
        at += 1
        # An element without `for` hides its hop.
        hops.append(element.get("for", "unknown"))
        schemes.append(element.get("proto", ""))
        hosts.append(element.get("host", ""))
    return None if len(hops) > HOPS_MAX else (hops, schemes, hosts)


def _scheme(told: Sequence[str]) -> Scheme:
    said = {one.strip(" \t").lower() for one in told}
    # Where one hop says http, the request was once in the clear.
    if "http" in said:
        return Scheme.HTTP
    return Scheme.HTTPS if said == {"https"} else Scheme.UNTOLD


def _host(told: Sequence[str]) -> str | None:
    said = {one.strip(" \t").lower() for one in told} - {""}
    if len(said) > 1:
        return "several hosts"
    return next(iter(said), None)
