"""Judges what a visitor of the issuer sees: names, cookies, TLS, metrics."""

from __future__ import annotations

from urllib.parse import urlsplit

from tallystick.errors import PlainHttp
from tallystick.server.doctor.facts import Answer, SiteFacts, TlsFacts
from tallystick.server.doctor.finding import Findings, found
from tallystick.server.unsafe import is_loopback

DAY_S = 86_400
TLS_EXPIRING_S = 14 * DAY_S
COMPARED = ("issuer", "token_endpoint", "authorization_endpoint", "jwks_uri")
"""The members that two metadata documents must agree about."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def check_issuer_served(site: SiteFacts) -> Findings:
    """Compares the issuer that the server says with the URL that is visited."""
    metadata, url = site.metadata, site.url
    if metadata is None:
        return
    if metadata.status == 421:
        says = f"The server behind {url} refuses the host: it is not the issuer's, or a proxy asks under another name."
        yield found("host_not_passed", says)
        return
    if metadata.body.get("error") == PlainHttp.code:
        says = f"{url} is visited, and a proxy tells the server that the visitor came by plain http; it refuses that."
        yield found("proto_wrong", says)
        return
    location = metadata.header("location")
    if metadata.status in _REDIRECTS and url.startswith("http://") and location.startswith("https://"):
        yield found("http_behind_tls", f"{url} sends visitors on to https, and the issuer says http.")
        return
    said = metadata.body.get("issuer")
    if not isinstance(said, str) or said == url:
        return
    here, there = urlsplit(url), urlsplit(said)
    if here.scheme == "https" and there.scheme == "http":
        says, fix = f"{url} is visited by https, and the server calls itself {said}.", f"Set `issuer` to {url}."
        yield found("http_behind_tls", says, fix)
    elif here._replace(netloc="") == there._replace(netloc="") and _same_but_name(here.netloc, there.netloc):
        says = f"{url} is visited and the server calls itself {said}: a cookie of one is never sent to the other."
        yield found("cookie_two_hosts", says, f"Visit {said}, and redirect {url} to it.")
    else:
        yield found(
            "issuer_differs", f"{url} is visited and the server calls itself {said}.", f"Set `issuer` to {url}."
        )


def _same_but_name(one: str, other: str) -> bool:
    (name, port), (other_name, other_port) = _split(one), _split(other)
    loopback = is_loopback(name) and is_loopback(other_name)
    return port == other_port and (loopback or name.removeprefix("www.") == other_name.removeprefix("www."))


def _split(netloc: str) -> tuple[str, int | None]:
    parts = urlsplit(f"//{netloc}")
    return (parts.hostname or "", parts.port)


def check_metadata(site: SiteFacts) -> Findings:
    """Compares the two metadata documents of an issuer with a path (RFC 8414 section 3.1)."""
    below, outside = site.metadata, site.outside
    if below is None or outside is None or below.status != 200:
        return
    if outside.status != 200:
        yield found("metadata_disagree", f"{outside.url} answers {outside.status}, and {below.url} has the metadata.")
        return
    differing = [name for name in COMPARED if below.body.get(name) != outside.body.get(name)]
    if differing:
        yield found("metadata_disagree", f"{below.url} and {outside.url} differ about {', '.join(differing)}.")


def check_metrics(site: SiteFacts) -> Findings:
    """Judges whether the metrics are open to the world; on localhost the world is this host."""
    metrics = site.metrics
    if metrics is not None and metrics.status == 200 and not is_loopback(urlsplit(site.url).hostname or ""):
        yield found("metrics_open", f"{metrics.url} shows the metrics to whoever asks.")


def check_tls(tls: TlsFacts, now: int) -> Findings:
    """Judges a certificate.

    Args:
        tls: the certificate.
        now: the instant, in seconds.
    """
    left = tls.not_after - now
    if left <= 0:
        yield found("tls_expiring", f"The certificate of {tls.host} expired {-left // DAY_S} days ago.")
    elif left < TLS_EXPIRING_S:
        yield found("tls_expiring", f"The certificate of {tls.host} expires in {left // DAY_S} days.")
    if tls.mismatch:
        names = ", ".join(tls.names) or "no host"
        yield found("tls_other_host", f"The certificate that {tls.host} shows is for {names}.")
    elif tls.problem and left > 0:
        yield found("tls_untrusted", f"The certificate of {tls.host} is not trusted: {tls.problem}.")


def check_mirror_cookie(mirror: Answer) -> Findings:
    """Compares the cookie that came with the one that the server set."""
    set_there, came = mirror.body.get("cookie"), mirror.headers.get("set-cookie", ())
    ours = [one for one in came if "-doctor=" in one]
    if isinstance(set_there, str) and ours != [set_there]:
        came_as = ours[0] if ours else "nothing"
        yield found("cookie_changed", f"The server sets {set_there!r}, and {came_as!r} arrives.")
