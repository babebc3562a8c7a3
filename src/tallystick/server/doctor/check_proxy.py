"""Judges what lies between a visitor and the server: forwarded headers, caches, headers that get lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from tallystick.server.doctor.check_files import CLOCK_SLACK_S
from tallystick.server.doctor.facts import Answer, SiteFacts
from tallystick.server.doctor.finding import Findings, found

SPOOFED = "203.0.113.77"
"""An address of nobody (RFC 5737), which the doctor claims to come from."""
SENT = {
    "authorization": "Basic ZG9jdG9yOg==",
    "cookie": "doctor=1",
    "sec-fetch-site": "same-origin",
    "x-csrf-token": "doctor",
}
"""Request headers that the doctor sends and that must arrive; the origin too."""
PROTECTING = ("content-security-policy", "x-content-type-options", "referrer-policy")
_AGE = re.compile(r"(?:^|[,\s])(s-maxage|max-age)=\"?([0-9]{1,10})", re.IGNORECASE)


def seen_of(mirror: Answer) -> Mapping[str, str]:
    """Gives the request headers that the server saw."""
    seen = mirror.body.get("seen")
    return seen if isinstance(seen, dict) else {}


def kids_of(mirror: Answer) -> Mapping[str, int]:
    """Gives the keys that the server says it publishes, with the instant of their announcement."""
    kids = mirror.body.get("kids")
    return kids if isinstance(kids, dict) else {}


def is_direct(mirror: Answer) -> bool:
    """Tells whether nothing lies between: the server's other end of the connection is this end."""
    return mirror.body.get("peer") == mirror.local


def check_forwarded(
    mirror: Answer, spoofed: Answer | None, url: str, is_listed: Callable[[str], bool] = lambda address: False
) -> Findings:
    """Judges whose address the server sees.

    Args:
        mirror: an honest request.
        spoofed: one that says it came from `SPOOFED`.
        url: that was visited.
        is_listed: tells whether an address is that of a trusted proxy.
    """
    if spoofed is not None and spoofed.body.get("network") == SPOOFED and not _vouched_for(spoofed, is_listed):
        yield found("forwarded_spoofable", "A request that claims to come from another address is believed.")
        return
    if is_direct(mirror):
        return
    seen, network = seen_of(mirror), str(mirror.body.get("network", ""))
    named = [*re.split(r"[\s,]+", seen.get("x-forwarded-for", "")), *_forwarded(seen.get("forwarded", ""))]
    names = [one for one in named if one]
    if not names:
        # Behind an address translation a visitor is told apart all the same; behind a proxy everybody is the proxy.
        if not _is_global(network):
            yield found("forwarded_missing", f"The server sees {network} for everybody, and no header says for whom.")
    elif network not in names:
        yield found(
            "forwarded_not_believed",
            f"The server sees {network}; the header that names {names[-1]} is not believed.",
            f"List {network} in `trusted_proxies`, if that is your proxy.",
        )
    proto = seen.get("x-forwarded-proto", "")
    if proto and proto.split(",")[0].strip().lower() != urlsplit(url).scheme:
        yield found("proto_wrong", f"{url} is visited, and the proxy says {proto}.")


def _vouched_for(spoofed: Answer, is_listed: Callable[[str], bool]) -> bool:
    # The proxy wrote behind the lie whom it saw, and that is a listed proxy: the doctor runs where one does, and only
    # from there the lie is believed.
    last = seen_of(spoofed).get("x-forwarded-for", "").rpartition(",")[2].strip()
    return last != SPOOFED and is_listed(last)


def _forwarded(field: str) -> list[str]:
    # RFC 7239 section 4: for=192.0.2.43, or for="[2001:db8::1]:4711".
    found_here = re.findall(r"for=\"?\[?([0-9A-Fa-f.:]+?)\]?(?::[0-9]+)?\"?(?=[;,\s]|$)", field, re.IGNORECASE)
    return [str(one) for one in found_here]


def _is_global(address: str) -> bool:
    try:
        return ip_address(address).is_global
    except ValueError:
        return False


def check_lost(mirror: Answer, origin: str) -> Findings:
    """Names the request headers that did not arrive.

    Args:
        mirror: a request that had them all.
        origin: that was sent.
    """
    seen = seen_of(mirror)
    wanted = {**SENT, "origin": origin}
    lost = sorted(name for name, value in wanted.items() if value not in seen.get(name, ""))
    if lost:
        yield found("headers_lost", f"The server did not get {', '.join(lost)}.")
    host = seen.get("host", "")
    visited = urlsplit(mirror.url)
    if host and urlsplit(f"//{host}").hostname != visited.hostname:
        yield found("host_not_passed", f"{visited.netloc} is visited, and the proxy asks for {host}.")


def check_answer_headers(mirror: Answer) -> Findings:
    """Judges the headers of an answer that is for one person only."""
    wanted = [*PROTECTING, *(["strict-transport-security"] if mirror.url.startswith("https:") else [])]
    gone = [name for name in wanted if not mirror.header(name)]
    if gone:
        yield found("headers_stripped", f"The answers of {mirror.url} lack {', '.join(gone)}.")
    control = mirror.header("cache-control").lower()
    if "no-store" not in control or mirror.header("age"):
        yield found("answers_cached", f"{mirror.url} has the Cache-Control {control!r} instead of 'no-store'.")


def check_key_set(key_set: Answer, max_age: int, kids: Mapping[str, int]) -> Findings:
    """Judges how long the key set may be kept, and whether it is the server's.

    Args:
        key_set: as it is served.
        max_age: how long it may be kept, in seconds.
        kids: the keys that the server has, with the instant of their announcement; empty if that is not known.
    """
    if key_set.status != 200:
        return
    control, age = key_set.header("cache-control"), key_set.header("age")
    ages = [int(seconds) for _, seconds in _AGE.findall(control)]
    if ages and max(ages) > max_age:
        yield found(
            "jwks_cached_longer", f"{key_set.url} may be cached for {max(ages)} s; the policy allows {max_age} s."
        )
    elif not ages and "no-store" not in control:
        yield found("jwks_cached_longer", f"{key_set.url} does not say for how long it may be cached.")
    elif age.isdigit() and int(age) > max_age:
        yield found("jwks_cached_longer", f"{key_set.url} came from a cache that has kept it for {int(age)} s.")
    listed = key_set.body.get("keys")
    served = {str(one.get("kid")) for one in listed if isinstance(one, dict)} if isinstance(listed, list) else set()
    lacking = sorted(kid for kid, at in kids.items() if at + max_age < key_set.sent_at and kid not in served)
    if lacking:
        yield found("jwks_stale", f"The key set at {key_set.url} lacks {', '.join(lacking)}.")


def check_one_server(mirrors: tuple[Answer, ...], kids: Mapping[str, int]) -> Findings:
    """Judges whether all answers come from servers on one store: they have the same keys, and open the same probe.

    Args:
        mirrors: the answers to one question, asked several times.
        kids: the keys of the store that the settings name; empty if that is not known.
    """
    opened = [one for one in mirrors if one.status == 200]
    sets = {frozenset(kids_of(one)) for one in opened}
    if len(sets) > 1 or (opened and any(one.status == 404 for one in mirrors)):
        says = f"Of {len(mirrors)} requests to {mirrors[0].url}, some were answered by a server with another store."
        yield found("workers_without_log", says)
    elif sets and kids and sets != {frozenset(kids)}:
        says = f"The server at {mirrors[0].url} has other keys than the store that the settings name."
        yield found("workers_without_log", says, "Set `store` to the one that the server uses.")


def check_server_clock(answer: Answer, served_at: float) -> Findings:
    """Compares the clock of this host with the server's.

    Args:
        answer: when it was asked for, and when it came.
        served_at: the server's time when it answered, in seconds.
    """
    ahead = served_at - answer.got_at
    behind = answer.sent_at - served_at
    if max(ahead, behind) > CLOCK_SLACK_S:
        word = "ahead of" if ahead > behind else "behind"
        yield found("clock_differs", f"The server's clock is {max(ahead, behind):.0f} s {word} this host's.")


def check_behind(
    site: SiteFacts,
    origin: str,
    max_age: int,
    kids: Mapping[str, int],
    is_listed: Callable[[str], bool] = lambda address: False,
) -> Findings:
    """Judges everything between the visitor and the server that the mirror shows.

    Args:
        site: what was seen.
        origin: of the URL that was visited.
        max_age: how long the key set may be kept, in seconds.
        kids: the keys of the store; empty if not known.
        is_listed: tells whether an address is that of a trusted proxy.
    """
    opened = [one for one in site.mirrors if one.status == 200]
    if opened:
        yield from check_one_server(site.mirrors, kids)
        yield from check_forwarded(opened[0], site.spoofed, site.url, is_listed)
        yield from check_lost(opened[0], origin)
        yield from check_answer_headers(opened[0])
        if isinstance(opened[0].body.get("now"), int):
            yield from check_server_clock(opened[0], opened[0].body["now"])
        if not kids:
            kids = kids_of(opened[0])
    if site.key_set is not None:
        yield from check_key_set(site.key_set, max_age, kids)
