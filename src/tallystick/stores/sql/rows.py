"""Rows ↔ values. Columns come in the order named here; a row that a join did not find is all NULL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from tallystick.core.ids import ClientId, KeyId, PrincipalId, SessionId
from tallystick.core.keys.lifecycle import KeyState, SigningKey
from tallystick.core.policy import Clocks
from tallystick.core.revocation.entry import Ending, Kind, Position, Revocation
from tallystick.core.secret import DIGEST_BYTES, Digest
from tallystick.core.session.model import (
    AppHolder,
    Authentication,
    BrowserHolder,
    Ended,
    Holder,
    ServiceHolder,
    Session,
)
from tallystick.identity.account import Account
from tallystick.oauth.client import Client
from tallystick.stores.sql.authenticators import authenticators_of, written_authenticators

Row = Sequence[Any]

SESSION = (
    "sid", "version", "principal", "holder", "client", "cookie", "previous", "previous_until", "previous_level",
    "generation", "master_version", "rotated_at", "opened_from", "bound", "scopes", "resources", "authentications",
    "born_epoch", "born_seq", "opened_at", "active_at", "idle_lifetime", "absolute_lifetime", "label", "network",
    "ended_at", "ended_because", "ended_epoch", "ended_seq",
)  # fmt: skip
ACCOUNT = (
    "id", "version", "email", "identifier", "password_hash", "permissions", "enabled", "created_at",
    "password_changed_at", "verified_at", "authenticators",
)  # fmt: skip
CLIENT = (
    "id", "version", "name", "kind", "first_party", "enabled", "secrets", "redirect_uris", "post_logout_redirect_uris",
    "scopes", "audiences", "created_at",
)  # fmt: skip
KEY = (
    "kid", "algorithm", "public", "sealed", "state", "created_at", "announced_at", "active_at", "retiring_at",
    "retired_at", "revoked_at",
)  # fmt: skip
ENTRY = ("epoch", "seq", "kind", "name", "appended_at", "chain")

BROWSER, APP, SERVICE = 1, 2, 3
"""The numbers of the holders in the column `holder`."""

_PURE = 1024


@lru_cache(_PURE)
def words(text: str) -> frozenset[str]:
    """Gives the words of a text that is separated by blanks."""
    return frozenset(text.split())


@lru_cache(_PURE)
def texts(text: str) -> tuple[str, ...]:
    """Gives the texts of a JSON list."""
    return tuple(json.loads(text))


@lru_cache(_PURE)
def _clocks(idle: int, absolute: int) -> Clocks:
    return Clocks(idle, absolute)


def written_words(found: frozenset[str]) -> str:
    """Gives words as one text."""
    return " ".join(sorted(found))


def written_texts(found: Sequence[str]) -> str:
    """Gives texts as a JSON list."""
    return json.dumps(list(found), separators=(",", ":")) if found else "[]"


def written_proofs(proofs: tuple[Authentication, ...]) -> str:
    """Gives authentications as a JSON list of lists."""
    return json.dumps([[one.at, one.amr, one.acr] for one in proofs], separators=(",", ":")) if proofs else "[]"


def proofs_of(text: str) -> tuple[Authentication, ...]:
    """Gives the authentications that such a list holds."""
    return () if text == "[]" else tuple(Authentication(at, tuple(amr), acr) for at, amr, acr in json.loads(text))


def session_of(row: Row) -> Session | None:
    """Gives the session of a row of SESSION columns."""
    if row[0] is None:
        return None
    (
        sid, version, principal, holder, client, cookie, previous, previous_until, previous_level, generation,
        master_version, rotated_at, opened_from, bound, scopes, resources, authentications, born_epoch, born_seq,
        opened_at, active_at, idle, absolute, label, network, ended_at, because, ended_epoch, ended_seq,
    ) = row  # fmt: skip
    held: Holder
    if holder == APP:
        held = AppHolder(ClientId(client), generation, master_version, rotated_at)
    elif holder == BROWSER:
        before = None if previous is None else Digest(previous)
        held = BrowserHolder(Digest(cookie), before, previous_until, previous_level)
    else:
        held = ServiceHolder(ClientId(client))
    ended = None
    if ended_at is not None:
        ended = Ended(ended_at, because, None if ended_epoch is None else Position(ended_epoch, ended_seq))
    return Session(
        id=SessionId(sid),
        version=version,
        principal=PrincipalId(principal),
        holder=held,
        opened_from=None if opened_from is None else SessionId(opened_from),
        bound=bound == 1,
        scopes=words(scopes),
        resources=texts(resources),
        authentications=proofs_of(authentications),
        born=Position(born_epoch, born_seq),
        opened_at=opened_at,
        active_at=active_at,
        clocks=_clocks(idle, absolute),
        label=label,
        ended=ended,
        network=network,
    )


def holder_row(holder: Holder) -> tuple[Any, ...]:
    """Gives what the columns from `holder` to `rotated_at` hold."""
    match holder:
        case BrowserHolder(cookie, previous, until, level):
            return BROWSER, None, bytes(cookie), None if previous is None else bytes(previous), until, level, 0, 0, 0
        case AppHolder(client, generation, version, at):
            return APP, str(client), None, None, 0, 0, generation, version, at
        case ServiceHolder(client):
            return SERVICE, str(client), None, None, 0, 0, 0, 0, 0


def session_row(session: Session) -> tuple[Any, ...]:
    """Gives a live session's row: the SESSION columns up to `absolute_lifetime`, `hard_end_at`, `label`, `network`."""
    return (
        str(session.id), session.version, str(session.principal), *holder_row(session.holder),
        None if session.opened_from is None else str(session.opened_from), int(session.bound),
        written_words(session.scopes), written_texts(session.resources), written_proofs(session.authentications),
        *session.born, session.opened_at, session.active_at, session.clocks.idle_lifetime,
        session.clocks.absolute_lifetime, session.hard_end_at, session.label, session.network,
    )  # fmt: skip


def account_of(row: Row) -> Account | None:
    """Gives the account of a row of ACCOUNT columns."""
    if row[0] is None:
        return None
    name, version, email, identifier, password_hash, permissions, enabled, created_at, changed_at, verified, proofs = (
        row
    )
    return Account(
        PrincipalId(name), version, email, identifier, password_hash, words(permissions), enabled == 1, created_at,
        changed_at, verified, authenticators_of(proofs),
    )  # fmt: skip


def account_row(account: Account) -> tuple[Any, ...]:
    """Gives an account's row, its version raised."""
    return (
        str(account.id), account.version + 1, account.email, account.identifier, account.password_hash,
        written_words(account.permissions), int(account.enabled), account.created_at, account.password_changed_at,
        account.verified_at, written_authenticators(account.authenticators),
    )  # fmt: skip


@lru_cache(_PURE)
def _digests(joined: bytes) -> tuple[Digest, ...]:
    return tuple(Digest(joined[start : start + DIGEST_BYTES]) for start in range(0, len(joined), DIGEST_BYTES))


def client_of(row: Row) -> Client | None:
    """Gives the client of a row of CLIENT columns."""
    if row[0] is None:
        return None
    name, version, title, kind, first_party, enabled, secrets, redirects, after, scopes, audiences, created_at = row
    return Client(
        ClientId(name), version, title, kind, first_party == 1, enabled == 1, _digests(secrets), texts(redirects),
        texts(after), words(scopes), texts(audiences), created_at,
    )  # fmt: skip


def client_row(client: Client) -> tuple[Any, ...]:
    """Gives a client's row, its version raised."""
    return (
        str(client.id), client.version + 1, client.name, client.kind, int(client.first_party), int(client.enabled),
        b"".join(client.secrets), written_texts(client.redirect_uris), written_texts(client.post_logout_redirect_uris),
        written_words(client.scopes), written_texts(client.audiences), client.created_at,
    )  # fmt: skip


def key_of(row: Row) -> SigningKey:
    """Gives the signing key of a row of KEY columns."""
    kid, algorithm, public, sealed, state, *instants = row
    return SigningKey(KeyId(kid), algorithm, public, sealed, KeyState(state), *instants)


def key_row(key: SigningKey) -> tuple[Any, ...]:
    """Gives a signing key's row."""
    return (
        str(key.kid), key.algorithm, key.public, key.sealed, str(key.state), key.created_at, key.announced_at,
        key.active_at, key.retiring_at, key.retired_at, key.revoked_at,
    )  # fmt: skip


def entry_of(row: Row) -> Revocation:
    """Gives the revocation of a row of ENTRY columns."""
    epoch, seq, kind, name, appended_at, chain = row
    return Revocation(Position(epoch, seq), Ending(Kind(kind), name), appended_at, chain)


def entry_row(entry: Revocation) -> tuple[Any, ...]:
    """Gives a revocation's row."""
    return *entry.position, int(entry.ending.kind), entry.ending.name, entry.appended_at, entry.chain
