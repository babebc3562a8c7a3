"""Who sent a request: nobody but a listed proxy is believed, and only for what it can know."""

from __future__ import annotations

import pytest

from tallystick.errors import Misconfigured
from tallystick.proxies import HOPS_MAX, LENGTH_MAX, Origin, Proxies, Scheme

PEER, CLIENT = "10.0.0.7", "198.51.100.9"
LISTED = Proxies(["10.0.0.7", "10.1.0.0/16", "fd00:1::/64"])
RFC = Proxies(["10.0.0.7", "10.1.0.0/16"], "forwarded")


def fields(**given: str | list[str]) -> list[tuple[bytes, bytes]]:
    """Gives header fields; a list gives a line each."""
    found = []
    for name, value in given.items():
        lines = [value] if isinstance(value, str) else value
        found += [(name.replace("_", "-").encode(), line.encode("latin-1")) for line in lines]
    return found


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, PEER),
        ({"x_forwarded_for": CLIENT}, CLIENT),
        ({"x_forwarded_for": f"203.0.113.1, {CLIENT}"}, CLIENT),
        ({"x_forwarded_for": f"203.0.113.1, {CLIENT}, 10.1.2.3"}, CLIENT),
        ({"x_forwarded_for": ["203.0.113.1", f"{CLIENT}", "10.1.2.3"]}, CLIENT),
        ({"x_forwarded_for": f"nonsense, <script>, {CLIENT}"}, CLIENT),
        ({"x_forwarded_for": "10.1.2.3, 10.1.2.4"}, "10.1.2.3"),
        ({"x_forwarded_for": f"{CLIENT}:4711"}, CLIENT),
        ({"x_forwarded_for": "[2001:db8::1]:4711"}, "2001:db8::1"),
        ({"x_forwarded_for": "2001:DB8:0::1"}, "2001:db8::1"),
        ({"x_forwarded_for": f"::ffff:{CLIENT}"}, CLIENT),
        ({"x_forwarded_for": f"{CLIENT}, fd00:1::9"}, CLIENT),
        ({"x_forwarded_for": f"{CLIENT}, unknown"}, PEER),
        ({"x_forwarded_for": f"{CLIENT}, "}, PEER),
        ({"x_forwarded_for": "unknown, 10.1.2.3"}, PEER),
        ({"x_forwarded_for": "198.51.100.999"}, PEER),
        ({"x_forwarded_for": "198.51.100.9 evil"}, PEER),
        ({"x_forwarded_for": "fe80::1%eth0"}, PEER),
        ({"x_forwarded_for": "1" * (LENGTH_MAX + 1)}, PEER),
        ({"x_forwarded_for": f"{'1.2.3.4,' * HOPS_MAX}{CLIENT}"}, PEER),
        ({"x_forwarded_proto": "x" * (LENGTH_MAX + 1), "x_forwarded_for": CLIENT}, PEER),
        ({"forwarded": f"for={CLIENT}"}, PEER),
    ],
)
def test_the_list_is_walked_from_its_end(given: dict[str, str | list[str]], address: str) -> None:
    """Behind listed proxies the client is the first address from the right that is none of them; garbage is the peer."""
    assert LISTED.origin(PEER, fields(**given)).address == address


@pytest.mark.parametrize("peer", ["203.0.113.1", "10.2.0.1", "local", "", "fd00:1:0:1::1"])
def test_of_a_stranger_no_header_is_read(peer: str) -> None:
    """A peer that is not listed may write what it likes: its own address counts, and nothing is known of scheme or host."""
    spoofed = fields(
        x_forwarded_for=CLIENT, x_forwarded_proto="http", x_forwarded_host="evil.example", forwarded=f"for={CLIENT}"
    )
    assert LISTED.origin(peer, spoofed) == Origin(peer)
    assert RFC.origin(peer, spoofed) == Origin(peer)
    assert Proxies().origin(PEER, spoofed) == Origin(PEER)


def test_names_with_an_underscore_are_not_those_headers() -> None:
    """X_Forwarded_For, which some proxies let through from clients, is nothing."""
    smuggled = [(b"x_forwarded_for", b"203.0.113.1"), (b"x-forwarded_for", b"203.0.113.2")]
    assert LISTED.origin(PEER, smuggled) == Origin(PEER)
    assert LISTED.origin(PEER, [*smuggled, *fields(x_forwarded_for=CLIENT)]).address == CLIENT


@pytest.mark.parametrize(
    ("given", "address"),
    [
        (f"for={CLIENT}", CLIENT),
        (f"For={CLIENT};proto=https;by=10.0.0.7", CLIENT),
        ('for="[2001:db8::1]:47011"', "2001:db8::1"),
        (f'for=203.0.113.1, for="{CLIENT}:80"', CLIENT),
        (f"for=203.0.113.1, for={CLIENT}, for=10.1.2.3", CLIENT),
        ([f"for={CLIENT}", "for=10.1.2.3"], CLIENT),
        (f"for={CLIENT}, for=_hidden", PEER),
        (f"for={CLIENT}, for=unknown", PEER),
        (f"for={CLIENT}, proto=https", PEER),
        (f"for={CLIENT};for=203.0.113.1", PEER),
        (f'for="{CLIENT}', PEER),
        (f"for={CLIENT};", PEER),
        (f"for={CLIENT} proto=https", PEER),
        ("for=" + "1" * LENGTH_MAX, PEER),
        (",".join([f"for={CLIENT}"] * (HOPS_MAX + 1)), PEER),
        (f'for="{CLIENT}\\"', PEER),
        ('for="19\\8.51.100.9"', CLIENT),
    ],
)
def test_forwarded_is_read_by_its_grammar(given: str | list[str], address: str) -> None:
    """Forwarded (RFC 7239) is walked alike; what breaks its grammar or hides a hop on the way is the peer."""
    assert RFC.origin(PEER, fields(forwarded=given)).address == address


def test_only_the_family_that_the_proxies_write_is_read() -> None:
    """Of a header that the proxy does not write, the client is the author."""
    both = fields(x_forwarded_for=CLIENT, forwarded="for=203.0.113.1;proto=http;host=evil.example")
    assert LISTED.origin(PEER, both) == Origin(CLIENT)
    assert RFC.origin(PEER, both) == Origin("203.0.113.1", Scheme.HTTP, "evil.example")


@pytest.mark.parametrize(
    ("told", "scheme"),
    [
        ("https", Scheme.HTTPS),
        ("HTTPS", Scheme.HTTPS),
        ("http", Scheme.HTTP),
        ("https, http", Scheme.HTTP),
        (["https", "http"], Scheme.HTTP),
        ("https, https", Scheme.HTTPS),
        ("wss", Scheme.UNTOLD),
        ("https, ", Scheme.UNTOLD),
        ("", Scheme.UNTOLD),
    ],
)
def test_the_scheme_is_https_only_if_all_say_so(told: str | list[str], scheme: Scheme) -> None:
    """Where any hop says http, the request was once in the clear."""
    assert LISTED.origin(PEER, fields(x_forwarded_for=CLIENT, x_forwarded_proto=told)).scheme is scheme
    assert LISTED.origin(PEER, fields(x_forwarded_proto=told)).scheme is scheme


def test_of_forwarded_the_element_of_the_outermost_proxy_speaks() -> None:
    """What the client wrote left of it says nothing of scheme and host."""
    told = fields(forwarded=f"for=1.2.3.4;proto=http;host=evil.example, for={CLIENT};proto=https;host=Auth.example")
    assert RFC.origin(PEER, told) == Origin(CLIENT, Scheme.HTTPS, "auth.example")


def test_two_hosts_are_no_host_of_ours() -> None:
    """A list of different hosts equals no name."""
    assert LISTED.origin(PEER, fields(x_forwarded_host="a.example, b.example")).host == "several hosts"
    assert LISTED.origin(PEER, fields(x_forwarded_host="a.example, A.example")).host == "a.example"
    assert LISTED.origin(PEER, fields(x_forwarded_host="")).host is None


@pytest.mark.parametrize(
    "entry",
    ["*", "10.*", "0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "2000::/3", "::ffff:0:0/96", "::/1", "all", "ANY"],
)
def test_lists_that_take_in_strangers_are_refused(entry: str) -> None:
    """A wildcard is refused by name: whoever connects could write their own address."""
    with pytest.raises(Misconfigured, match="anybody"):
        Proxies([entry])


@pytest.mark.parametrize("entry", ["proxy.example", "10.0.0.1/8", "", "10.0.0.256", "10.0.0.0/33", "unix:"])
def test_what_is_no_network_is_refused(entry: str) -> None:
    """An entry that is no address and no network is named in the message."""
    with pytest.raises(Misconfigured, match="no address and no network"):
        Proxies([entry])
