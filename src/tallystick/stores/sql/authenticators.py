"""An account's authenticators as the JSON of their column; keys are short names, bytes are base64url."""

from __future__ import annotations

import json
from functools import lru_cache

from tallystick.core.keys.encoding import decode, encode
from tallystick.core.secret import Digest
from tallystick.identity.authenticators import NO_AUTHENTICATORS, Authenticators, Passkey, Totp

NONE = "{}"


def written_authenticators(found: Authenticators) -> str:
    """Gives authenticators as JSON; what an account does not have is left out."""
    written: dict[str, object] = {}
    if (totp := found.totp) is not None:
        written["totp"] = [encode(totp.sealed), totp.last_step, totp.added_at, totp.used_at]
    if found.passkeys:
        written["passkeys"] = [
            [encode(one.id), encode(one.public_key), one.sign_count, one.name, list(one.transports), one.backed_up,
             one.added_at, one.used_at]
            for one in found.passkeys
        ]  # fmt: skip
    if found.recovery:
        written["recovery"] = sorted(encode(one) for one in found.recovery)
    if found.recovery_made_at:
        written["recovery_made_at"] = found.recovery_made_at
    return json.dumps(written, separators=(",", ":")) if written else NONE


@lru_cache(256)
def authenticators_of(text: str) -> Authenticators:
    """Gives the authenticators that such a JSON holds."""
    if text == NONE:
        return NO_AUTHENTICATORS
    read = json.loads(text)
    totp = read.get("totp")
    return Authenticators(
        None if totp is None else Totp(decode(totp[0]), *totp[1:]),
        tuple(
            Passkey(decode(name), decode(key), count, title, tuple(transports), backed_up, added_at, used_at)
            for name, key, count, title, transports, backed_up, added_at, used_at in read.get("passkeys", ())
        ),
        frozenset(Digest(decode(one)) for one in read.get("recovery", ())),
        read.get("recovery_made_at", 0),
    )
