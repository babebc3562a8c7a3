"""What an authority does for operators: accounts, clients, keys, the log."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.audit import AuditEntry
from tallystick.authority import accounts, clients, jobs, operating, rotate_keys
from tallystick.authority.acting import acting_as
from tallystick.authority.for_endings import Endings
from tallystick.authority.issued import Revoked, Strength
from tallystick.authority.world import World
from tallystick.core.ids import ClientId, KeyId, PrincipalId
from tallystick.core.keys.lifecycle import SigningKey, published
from tallystick.core.revocation.entry import Position, Revocation
from tallystick.core.secret import Secret
from tallystick.core.session.model import Session
from tallystick.identity.account import Account
from tallystick.oauth.client import Client
from tallystick.ports import Registered


class ForOperators(Endings):
    """A part of `Authority`."""

    world: World

    async def create_account(self, email: str, password: str, *, permissions: frozenset[str] = frozenset()) -> Account:
        """Creates an account. See accounts.create_account."""
        return await accounts.create_account(self.world, email, password, permissions)

    async def accounts(self, after: str = "", limit: int = 100) -> Sequence[Account]:
        """Gives accounts in order of identifier."""
        return await self.world.store.accounts(after, limit)

    async def find_account(self, email_or_id: str) -> Account | None:
        """Finds an account by address or id."""
        return await accounts.find_account(self.world, email_or_id)

    async def disable_account(
        self,
        account: PrincipalId,
        *,
        because: str,
        strength: Strength = "logged",
        keep_an_administrator: bool = False,
    ) -> Revoked:
        """Disables an account and ends all of its sessions. See accounts.disable_account."""
        with self._asked(account, because):
            committed = await accounts.disable_account(
                self.world,
                account,
                everywhere=strength == "everywhere",
                keep_an_administrator=keep_an_administrator,
            )
            return await self._reported(committed, strength)

    async def enable_account(self, account: PrincipalId, *, because: str) -> Account:
        """Enables an account again; its old sessions stay over."""
        with acting_as(because=because):
            return await operating.enable_account(self.world, account)

    async def search_accounts(self, words: str, after: str = "", limit: int = 100) -> Sequence[Account]:
        """Gives the accounts whose address begins with some words, or the one with an id. See operating.search_accounts."""
        return await operating.search_accounts(self.world, words, after, limit)

    async def grant(self, account: PrincipalId, permission: str, *, because: str = "") -> Account:
        """Gives an account a permission; its credentials look again."""
        with acting_as(because=because):
            return await accounts.permit(self.world, account, permission, granted=True)

    async def withdraw(
        self, account: PrincipalId, permission: str, *, because: str = "", keep_an_administrator: bool = False
    ) -> Account:
        """Takes a permission from an account; its credentials look again. See accounts.permit."""
        with acting_as(because=because):
            return await accounts.permit(
                self.world, account, permission, granted=False, keep_an_administrator=keep_an_administrator
            )

    async def create_client(
        self,
        name: str,
        *,
        kind: str,
        first_party: bool = False,
        redirect_uris: Sequence[str] = (),
        post_logout_redirect_uris: Sequence[str] = (),
        audiences: Sequence[str] = (),
        scopes: Sequence[str] = (),
    ) -> tuple[Client, Secret | None]:
        """Registers a client; the secret is given once. See clients.create_client."""
        return await clients.create_client(
            self.world,
            name,
            kind=kind,
            first_party=first_party,
            redirect_uris=redirect_uris,
            post_logout_redirect_uris=post_logout_redirect_uris,
            audiences=audiences,
            scopes=scopes,
        )

    async def clients(self, after: str = "", limit: int = 100) -> Sequence[Client]:
        """Gives clients in order of id."""
        return await self.world.store.clients(after, limit)

    async def find_client(self, client: str) -> Client | None:
        """Finds a client by id."""
        name = ClientId.parse(client)
        return (await self.world.store.facts_of_client(name)).client if name is not None else None

    async def disable_client(self, client: ClientId, *, because: str, strength: Strength = "logged") -> Revoked:
        """Disables a client and ends everything that it holds."""
        with self._asked(client, because):
            committed = await clients.disable_client(self.world, client, everywhere=strength == "everywhere")
            return await self._reported(committed, strength)

    async def enable_client(self, client: ClientId, *, because: str) -> Client:
        """Enables a client again; what it held stays over."""
        with acting_as(because=because):
            return await operating.enable_client(self.world, client)

    async def rotate_secret(self, client: ClientId, *, because: str) -> tuple[Client, Secret]:
        """Gives a client a new secret beside the one it has; it is given once. See operating.rotate_secret."""
        with acting_as(because=because):
            return await operating.rotate_secret(self.world, client)

    async def withdraw_old_secret(self, client: ClientId, *, because: str) -> Client:
        """Takes every secret but the newest from a client. See operating.withdraw_old_secret."""
        with acting_as(because=because):
            return await operating.withdraw_old_secret(self.world, client)

    async def sessions_of(self, principal: PrincipalId) -> Sequence[Session]:
        """Gives a principal's live sessions, newest first."""
        return await self.world.store.sessions_of(principal)

    async def keys(self) -> Sequence[SigningKey]:
        """Gives the signing keys, whatever their state."""
        return (await self.world.store.keys())[0]

    async def rotate_keys(self, *, because: str = "") -> SigningKey:
        """Begins a rotation by hand; gives the key that was announced."""
        with acting_as(because=because):
            return await rotate_keys.rotate_keys(self.world)

    async def revoke_key(self, key: KeyId, *, because: str, strength: Strength = "everywhere") -> Revoked:
        """Revokes a signing key: everything it signed falls, a new key signs at once, no refetch brings it back."""
        return await self.revoke(key, because=because, strength=strength)

    async def key_set(self) -> bytes:
        """Gives the published key set, a JWKS in JSON."""
        return published((await self.world.store.keys())[0])

    async def sweep(self) -> int:
        """Forgets what may be forgotten; gives how many rows went."""
        return await jobs.sweep(self.world)

    async def endings(self, before: Position | None = None, limit: int = 100) -> Sequence[Revocation]:
        """Gives entries of the log, newest first: those before a position, or from its head."""
        return await operating.endings(self.world, before, limit)

    async def verifiers(self) -> Sequence[Registered]:
        """Gives the registered verifiers: up to where each has acked, and whether it is doubted."""
        return await self.world.store.verifiers()

    async def acts(
        self, principal: PrincipalId | None = None, *, before: int | None = None, limit: int = 100
    ) -> Sequence[AuditEntry]:
        """Gives entries of the audit trail, newest first: those before a place, those of one principal."""
        return await self.world.store.audit_recent(limit, before=before, principal=principal)

    async def log_page(self, after: Position, limit: int = 1000) -> Sequence[Revocation]:
        """Gives entries of the log after a position."""
        return await self.world.store.log_page(after, limit)

    async def head(self) -> Position:
        """Gives the last position of the log."""
        return await self.world.store.head()
