"""The second step of POST `/session`, and `/session/passkey`, where a sign-in by a passkey alone begins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tallystick.authority.issued import Pending
from tallystick.errors import AuthenticationIncomplete, InvalidRequest
from tallystick.http import response_of
from tallystick.identity.factors import FactorProof, PasskeyAssertion, RecoveryCode, TotpCode
from tallystick.web.bodies import JSON, Body
from tallystick.web.call import Reply, json_reply

_ONE = "Send one of 'code', 'recovery_code' and 'passkey'."


def proof_of(body: Body) -> FactorProof:
    """Gives the proof that a body carries; raises InvalidRequest unless it is exactly one."""
    given = [name for name in ("code", "recovery_code", "passkey") if body.members.get(name) is not None]
    if len(given) != 1:
        raise InvalidRequest("none or several proofs", public=_ONE)
    if given == ["passkey"]:
        return PasskeyAssertion(_passkey(body))
    text = body.text(given[0])
    return TotpCode(text) if given == ["code"] else RecoveryCode(text)


def _passkey(body: Body) -> str:
    found = body.members["passkey"]
    if body.media_type != JSON:
        return body.text("passkey")
    if not isinstance(found, dict):
        raise InvalidRequest("the passkey is no object", public="The field 'passkey' must be an object.")
    return json.dumps(found)


def pending_json(pending: Pending) -> dict[str, Any]:
    """Gives what the next step needs."""
    found: dict[str, Any] = {
        "pending": pending.handle.reveal(),
        "methods": list(pending.methods),
        "expires_in": pending.expires_in,
    }
    if pending.passkey_options is not None:
        found["passkey_options"] = pending.passkey_options
    return found


def incomplete_reply(pending: Pending) -> Reply:
    """Gives the answer to a right password where a second factor is wanted: 401, with a handle and the methods left."""
    answer = response_of(AuthenticationIncomplete())
    body: Mapping[str, Any] = {**answer.body, **pending_json(pending)}
    challenge = ((b"www-authenticate", answer.headers["WWW-Authenticate"].encode()),)
    return json_reply(body, answer.status, challenge)
