"""The books of a story: rows, log, people and clients, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.revocation.entry import GENESIS, Position, Revocation, place
from tallystick.core.session.model import BrowserHolder, ServiceHolder, Session
from tallystick.core.session.standing import Standing
from tests.model.database import Database

PEOPLE = {name: PrincipalId.of(name.encode().ljust(16, b".")) for name in ("ada", "bob")}
CLIENTS = {name: ClientId(name) for name in ("notes", "maps", "export")}
EVERYBODY = PrincipalId("export"), *PEOPLE.values()
PERMISSIONS = frozenset({"notes:read", "notes:write"})


@dataclass(frozen=True)
class Books(Database):
    """What a store keeps, and who may do what.

    Args:
        permissions: what each principal may do.
        disabled: names of accounts and clients that were disabled.
    """

    permissions: Mapping[PrincipalId, frozenset[str]] = field(
        default_factory=lambda: dict.fromkeys(EVERYBODY, PERMISSIONS)
    )
    disabled: frozenset[str] = frozenset()

    def permit(self, person: PrincipalId, permissions: frozenset[str]) -> Books:
        """Gives the books with other permissions of a person."""
        return replace(self, permissions={**self.permissions, person: permissions})

    def standing(self, name: SessionId) -> Standing:
        """Reads a session with what it depends on, in one step."""
        read = super().standing(name)
        row = read.session
        if row is None:
            return replace(read, enabled=False)
        enabled = row.principal not in self.disabled and row.client not in self.disabled
        return replace(read, enabled=enabled, permissions=self.permissions[row.principal])

    def by_cookie(self, digest: bytes) -> Session | None:
        """Finds the session that a cookie belongs, or lately belonged, to."""
        for row in self.sessions:
            if isinstance(row.holder, BrowserHolder) and digest in (row.holder.cookie, row.holder.previous):
                return row
        return None

    def service_session(self, client: ClientId) -> Session | None:
        """Finds the newest live row of a service."""
        rows = [row for row in self.sessions if row.holder == ServiceHolder(client) and row.ended is None]
        return max(rows, key=lambda row: row.born, default=None)

    def entries(self, appended_at: int) -> list[Revocation]:
        """Gives the log as a verifier reads it."""
        found, chain = list[Revocation](), GENESIS
        for number, ending in enumerate(self.log, 1):
            found.append(place(chain, Position(1, number), ending, appended_at))
            chain = found[-1].chain
        return found
