"""Credentials and entries for tests of what covers what."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.core.ids import ClientId, KeyId, PrincipalId, SessionId
from tallystick.core.revocation.entry import GENESIS, Ending, Kind, Position, Revocation, place

SESSION = SessionId.of(b"s" * 16)
OTHER = SessionId.of(b"o" * 16)
PRINCIPAL = PrincipalId.of(b"p" * 16)
CLIENT = ClientId("notes")
KEY = KeyId("k1")


@dataclass(frozen=True, slots=True)
class Mark:
    """What the index looks at, minted at a position."""

    tal: Position
    id: SessionId = SESSION
    principal: PrincipalId = PRINCIPAL
    client: ClientId = CLIENT
    key: KeyId | None = KEY


NAMES = {
    Kind.SESSION: SESSION,
    Kind.PRINCIPAL: PRINCIPAL,
    Kind.CLIENT: CLIENT,
    Kind.KEY: KEY,
    Kind.ALL: "",
    Kind.OUTDATED_SESSION: SESSION,
    Kind.OUTDATED_PRINCIPAL: PRINCIPAL,
    Kind.OUTDATED_ALL: "",
}


def entry(kind: Kind, seq: int, name: str | None = None, at: int = 1000) -> Revocation:
    """An entry of a kind at a position, for the names above unless another is given."""
    return place(GENESIS, Position(1, seq), Ending(kind, NAMES[kind] if name is None else name), at)
