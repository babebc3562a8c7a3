"""Judges the settings by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from urllib.parse import urlsplit

from tallystick.http import origin_of
from tallystick.server.doctor.finding import Findings, found

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_DISTINCT_BYTES_MIN = 16
"""32 random bytes have fewer distinct ones once in 10¹² peppers; what people type and repeat always does."""
_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gob", "gov", "mil", "ne", "net", "or", "org"})
_SHARED_HOSTS = (
    "appspot.com", "azurewebsites.net", "cloudfront.net", "firebaseapp.com", "fly.dev", "github.io",
    "gitlab.io", "herokuapp.com", "netlify.app", "ngrok.io", "ngrok-free.app", "onrender.com", "pages.dev",
    "run.app", "vercel.app", "web.app", "workers.dev",
)  # fmt: skip


def site_of(url: str) -> str:
    """Gives the site of a URL as browsers compare sites: scheme and registrable domain.

    The list of public suffixes is long and changes; this knows its common shapes (`co.uk`, `github.io`). Where it is
    wrong it takes two sites for one, and says nothing.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower().rstrip(".")
    labels = host.split(".")
    if ":" in host or labels[-1].isdigit() or len(labels) < 3:
        return f"{parts.scheme}://{host}"
    shared = any(host.endswith(f".{suffix}") for suffix in _SHARED_HOSTS)
    country = len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return f"{parts.scheme}://{'.'.join(labels[-3 if shared or country else -2 :])}"


def check_issuer(issuer: str) -> Findings:
    """Judges whether a browser would keep the cookie of an issuer."""
    parts = urlsplit(issuer)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        yield found("issuer_plain_http", f"The issuer {issuer} is http on a name that is not localhost.")


def check_trusted_origins(issuer: str, origins: Iterable[str]) -> Findings:
    """Judges whether the session cookie reaches the issuer from the pages of trusted origins.

    Args:
        issuer: whose cookie.
        origins: whose pages.
    """
    for origin in origins:
        if site_of(origin) != site_of(issuer):
            says = (
                f"The pages of {origin} are on another site than {origin_of(issuer)}, so they act without its cookie."
            )
            yield found("cookie_other_site", says)


def check_workers(store: str, workers: int) -> Findings:
    """Judges whether all workers write one log.

    Args:
        store: the URL of the store.
        workers: how many processes serve.
    """
    if workers > 1 and store.startswith("memory:"):
        yield found("workers_without_log", f"{workers} workers have a store in memory each.")


def check_pepper(pepper: bytes | None) -> Findings:
    """Judges whether the pepper is a sample."""
    if pepper is not None and (len(set(pepper)) < _DISTINCT_BYTES_MIN or pepper.isascii() or _stepwise(pepper)):
        yield found("secret_sample", "The pepper is a sample, a text, or follows a pattern.")


def _stepwise(secret: bytes) -> bool:
    return len({(after - before) % 256 for before, after in pairwise(secret)}) == 1


def check_unknown(unknown: Iterable[tuple[str, str]]) -> Findings:
    """Names the environment variables that say something to nobody.

    Args:
        unknown: each variable, and the one that may have been meant, or nothing.
    """
    for name, meant in unknown:
        fix = f"Did you mean {meant}?" if meant else ""
        yield found("setting_unknown", f"{name} names no setting.", fix)
