"""The facts that the commands show of each kind of thing: plain values, in the order of the JSON."""

from __future__ import annotations

from tallystick.audit import AuditEntry
from tallystick.audit.acts import sentence_of
from tallystick.authority.issued import Revoked
from tallystick.core.credentials.view import SessionView
from tallystick.core.keys.lifecycle import SigningKey
from tallystick.core.session.model import AppHolder, BrowserHolder, Session
from tallystick.identity.account import Account
from tallystick.oauth.client import Client

Facts = dict[str, object]


def of_account(account: Account) -> Facts:
    """Gives the facts of an account; never its password hash."""
    return {
        "id": str(account.id),
        "email": account.email,
        "permissions": sorted(account.permissions),
        "enabled": account.enabled,
        "created_at": account.created_at,
    }


def of_client(client: Client) -> Facts:
    """Gives the facts of a client; never its secrets' digests."""
    return {
        "client_id": str(client.id),
        "name": client.name,
        "kind": client.kind,
        "first_party": client.first_party,
        "enabled": client.enabled,
        "redirect_uris": list(client.redirect_uris),
        "post_logout_redirect_uris": list(client.post_logout_redirect_uris),
        "audiences": list(client.audiences),
        "scopes": sorted(client.scopes),
        "created_at": client.created_at,
    }


def of_session(session: Session, who: str) -> Facts:
    """Gives the facts of a session.

    Args:
        session: the session.
        who: what people call its principal: an e-mail address or a client's name.
    """
    match session.holder:
        case BrowserHolder():
            holder = "browser"
        case AppHolder():
            holder = "app"
        case _:
            holder = "service"
    return {
        "id": str(session.id),
        "principal": str(session.principal),
        "who": who,
        "holder": holder,
        "client": None if session.client is None else str(session.client),
        "opened_from": None if session.opened_from is None else str(session.opened_from),
        "bound": session.bound,
        "scopes": sorted(session.scopes),
        "label": session.label,
        "opened_at": session.opened_at,
        "active_at": session.active_at,
        "expires_at": session.hard_end_at,
    }


def of_revoked(revoked: Revoked) -> Facts:
    """Gives what is known after an ending: where it stands in the log, and who has confirmed it after how long."""
    return {
        "position": revoked.position.text(),
        "strength": revoked.strength,
        "acked_ms": {verifier: round(seconds * 1000, 1) for verifier, seconds in sorted(revoked.acked.items())},
        "missing": list(revoked.missing),
        "waited_ms": round(revoked.waited_s * 1000, 1),
        "guarantee": revoked.guarantee,
    }


def of_key(key: SigningKey) -> Facts:
    """Gives the facts of a signing key; never its private half."""
    return {
        "kid": str(key.kid),
        "algorithm": key.algorithm,
        "state": str(key.state),
        "announced_at": key.announced_at,
        "active_at": key.active_at,
        "retiring_at": key.retiring_at,
        "retired_at": key.retired_at,
        "revoked_at": key.revoked_at,
    }


def of_view(view: SessionView) -> Facts:
    """Gives what a good credential tells about its session."""
    return {
        "session": str(view.id),
        "principal": str(view.principal),
        "client": str(view.client),
        "scopes": sorted(view.scopes),
        "expires_at": view.expires_at,
        "authenticated_at": view.authenticated_at,
        "position": view.tal.text(),
        "key": view.key,
    }


def of_act(entry: AuditEntry) -> Facts:
    """Gives the facts of an entry of the audit trail."""
    return {
        "seq": entry.seq,
        "at": entry.at,
        "name": entry.name,
        "what": sentence_of(entry.name),
        "actor": entry.actor,
        "principal": entry.principal,
        "session": entry.session,
        "client": entry.client,
        "network": entry.network,
        "request": entry.request,
        "because": entry.because,
        "facts": dict(entry.facts),
    }
