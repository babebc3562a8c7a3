"""From where a verifier learns of endings and keys: exactly one way, said by name."""

from __future__ import annotations

from tallystick.core.revocation.feed import Log
from tallystick.errors import Misconfigured
from tallystick.verifier.keyring import SharedKeys


def check_sources(follow: Log | None, revocation: str, shared_keys: SharedKeys, *, feed: bool) -> None:
    """Demands a log to follow, or `none` by name; raises Misconfigured with what to write instead."""
    if revocation not in ("followed", "none"):
        raise Misconfigured(f"revocation={revocation!r} is not known; there are followed and none")
    if revocation == "none":
        if follow is not None or shared_keys is None:
            raise Misconfigured('revocation="none" needs shared_keys (a JWKS) and takes no log')
    elif follow is None and feed:
        raise Misconfigured("this release has no HTTP feed: give the log, follow=open_log(…), instead of client_id")
    elif follow is None:
        raise Misconfigured('give a log to follow, follow=open_log(…), or say revocation="none"')
