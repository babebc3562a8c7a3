"""Which acts are recorded: the one table, event → what happened.

An act that changes something is recorded in the commit that makes it true. One that changes nothing (a proof that was
wrong, a token that was refused) has no commit: it waits in memory for the next second, and what happened the same way
several times in between is one entry with the number of times.

What is done all day long by itself and changes nobody's rights is not recorded: it would bury the rest. It is counted
in the metrics.
"""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.audit.entry import AuditEntry

RECORDED: Mapping[str, str] = {
    "account.created": "An account was created.",
    "account.enabled": "An account was enabled again.",
    "account.disabled": "An account was disabled; its sessions ended.",
    "account.permitted": "A permission was granted or withdrawn.",
    "account.verified": "An e-mail address was proved to be its owner's.",
    "password.changed": "A password was changed; every other session ended.",
    "account.password_reset": "A password was set anew by a link; every session ended.",
    "authenticator.added": "An account gained a second factor, or new recovery codes.",
    "authenticator.removed": "An account lost a second factor.",
    "client.created": "A client was registered.",
    "client.enabled": "A client was enabled again.",
    "client.disabled": "A client was disabled; everything that it held ended.",
    "client.secret_added": "A client got a new secret.",
    "client.secret_withdrawn": "The old secret of a client was withdrawn.",
    "session.opened": "A session was opened.",
    "session.allowed": "A service's session may do more.",
    "session.stepped_up": "A person proved again who they are.",
    "session.ended": "A session was ended, with what is bound to it.",
    "session.ended_all_but": "Every session of a person ended but the one that asked.",
    "cut.made": "Everything older of a person, a client, a key, or of all, was ended or made to look again.",
    "keys.advanced": "A signing key went on to its next state.",
    "keys.rotation_begun": "A rotation of the signing keys was begun by hand.",
    "audit.checkpoint": "The trail up to here was proved with the root key.",
    "audit.swept": "Old entries of the trail were removed, up to a proved place.",
}
"""Event → its sentence, for acts that are recorded in the commit that makes them true."""

RECORDED_APART: Mapping[str, str] = {
    "authentication.failed": "A proof of identity was wrong.",
    "attempt.throttled": "An attempt was not looked at, because there were too many before it.",
    "access.denied": "Somebody asked for what they may not have.",
    "refresh.refused": "A refresh token was refused.",
    "passkey.copied": "A passkey's counter went back: somebody may have a copy of it.",
    "link.sent": "A link was sent by mail.",
    "device.new": "A sign-in came from a device that was not known.",
    "mail.refused": "A mail was refused by the mail server.",
    "mail.dropped": "A mail could not be sent and was given up.",
    "ending.everywhere": "An ending was waited for until it was true everywhere, or the bound had passed.",
    "anomaly.detected": "Something unusual was noticed.",
    "job.failed": "A job in the background failed.",
    "audit.broken": "The trail is not what was written.",
    "audit.dropped": "So many acts without a commit came at once that some are only counted.",
}
"""Event → its sentence, for acts that have no commit."""

ROUTINE: Mapping[str, str] = {
    "authentication.pending": "nothing is open yet: the session that follows is recorded, or the failure",
    "authentication.succeeded": "the session that it opens or renews is recorded",
    "refresh.rotated": "apps do it every few minutes",
    "refresh.repeated": "a lost answer was asked for again",
    "session.expired": "time does it",
    "ending.asked": "the ending is recorded, with its reason",
    "link.withheld": "nothing was sent, and whom it would have been for must not be kept",
    "mail.sent": "the act that it tells of is recorded",
    "mail.delayed": "it is tried again",
}
"""Event → why it is not recorded."""

_BY_NOBODY = frozenset({"authentication.failed", "passkey.copied", "attempt.throttled", "refresh.refused"})
"""The principal of these is whom it was tried on, not who did it."""
_OF_THE_ENTRY = frozenset({"network", "principal", "session", "client"})


def sentence_of(name: str) -> str:
    """Gives what an event says happened; its name if it is not in the tables."""
    return RECORDED.get(name) or RECORDED_APART.get(name) or name


def entry_of(
    name: str,
    facts: tuple[tuple[str, str], ...],
    *,
    at: int,
    actor: str = "",
    principal: str = "",
    session: str = "",
    client: str = "",
    network: str = "",
    request: str = "",
    because: str = "",
) -> AuditEntry:
    """Gives the entry of an event.

    Args:
        name: of the event.
        facts: its words.
        at: the instant.
        actor: who did it, if not the principal itself.
        principal: to whom; where the event is a cut, its target.
        session: in or to which session.
        client: by or to which client.
        network: from which address; the event's own word if the edge gave none.
        request: in which request.
        because: why.
    """
    words = dict(facts)
    if name == "cut.made":
        target = words.get("name", "")
        principal = target if words.get("kind") in ("principal", "outdated_principal") else principal
        client = target if words.get("kind") == "client" else client
        session = target if words.get("kind") == "outdated_session" else session
    client = client or words.get("client", "")
    kept = tuple(sorted((word, value) for word, value in words.items() if word not in _OF_THE_ENTRY))
    itself = "" if name in _BY_NOBODY else principal or (f"client:{client}" if client and session else "")
    return AuditEntry(
        at=at,
        name=name,
        actor=actor or itself,
        principal=principal,
        session=session,
        client=client,
        network=network or words.get("network", ""),
        request=request,
        because=because,
        facts=kept,
    )
