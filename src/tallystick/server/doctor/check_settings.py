"""Judges the settings by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from tallystick.http import origin_of
from tallystick.server.doctor.finding import Finding, Findings, found
from tallystick.server.doctor.mistakes import PAGE, UNSAFE_ANCHOR
from tallystick.server.unsafe import SHARED_SUFFIXES, is_loopback
from tallystick.server.unsafe import Finding as Unsafe


def site_of(url: str) -> str:
    """Gives the site of a URL as browsers compare sites: scheme and registrable domain.

    The list of public suffixes is long and changes; this knows its common entries (`co.uk`, `github.io`). Where it is
    wrong it takes two sites for one, and says nothing.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower().rstrip(".")
    labels = host.split(".")
    if ":" in host or labels[-1].isdigit() or len(labels) < 3:
        return f"{parts.scheme}://{host}"
    shared = ".".join(labels[-2:]) in SHARED_SUFFIXES
    return f"{parts.scheme}://{'.'.join(labels[-3 if shared else -2 :])}"


def check_issuer(issuer: str) -> Findings:
    """Judges whether a browser would keep the cookie of an issuer."""
    parts = urlsplit(issuer)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
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


def check_unsafe(unsafe: Iterable[Unsafe]) -> Findings:
    """Passes on what a server refuses to start with.

    Args:
        unsafe: as `tallystick.server.unsafe` finds it.
    """
    for one in unsafe:
        sentence = f"{one.sentence[:1].upper()}{one.sentence[1:]}."
        yield Finding(f"doctor.{one.id}", "error", sentence, one.fix, f"{PAGE}#{UNSAFE_ANCHOR}")


def check_unknown(unknown: Iterable[tuple[str, str]]) -> Findings:
    """Names the environment variables that say something to nobody.

    Args:
        unknown: each variable, and the one that may have been meant, or nothing.
    """
    for name, meant in unknown:
        fix = f"Did you mean {meant}?" if meant else ""
        yield found("setting_unknown", f"{name} names no setting.", fix)
