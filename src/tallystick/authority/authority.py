"""The authority: the part that may issue and revoke. Each call is a use case of this folder; the façade adds nothing to a
decision but errors, the wait for its own verifier, and events with the reason of an ending.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Self

from tallystick.authority import accounts, browser, clients, jobs, refresh, revoke, rotate_keys, sign_in
from tallystick.authority.issued import Revoked, SignedIn, Strength, Tokens
from tallystick.authority.passwords import prove_known_password
from tallystick.authority.revoke import Everything, Target
from tallystick.authority.world import World
from tallystick.core.credentials.view import CookieFill, SessionView
from tallystick.core.ids import ClientId, KeyId, PrincipalId, SessionId
from tallystick.core.keys.lifecycle import SigningKey, published
from tallystick.core.policy import Policy
from tallystick.core.revocation.entry import Kind, Position, Revocation
from tallystick.core.secret import Digest, Secret
from tallystick.core.session import decide
from tallystick.core.session.decision import Event
from tallystick.core.session.model import Authentication, Session
from tallystick.errors import Misconfigured, TallystickError, Unavailable
from tallystick.identity.account import Account
from tallystick.oauth.client import Client
from tallystick.ports import Committed
from tallystick.session_source import STATE_NAME
from tallystick.verifier.verifier import Verifier

_ISSUER_SETTING = "issuer"


class Authority:
    """The one that opens, issues and ends; also a SessionSource for its own routes, which it checks with a verifier.

    Args:
        world: ports and policy. `tallystick.Authority` builds it from an issuer and a store.
        claims_store: records its issuer in a store that belongs to none yet.
    """

    def __init__(self, world: World, *, claims_store: bool = True) -> None:
        self.world = world
        self.issuer = world.issuer
        self._claims_store = claims_store
        self._verifier: Verifier | None = None
        self._jobs: asyncio.Task[None] | None = None
        self._reloading: asyncio.Task[None] | None = None
        self._keys_heard = 0
        self._draining = False
        # Where it runs: the child of a fork opens anew.
        self._process: int | None = None

    @property
    def policy(self) -> Policy:
        """What this deployment chose."""
        return self.world.policy

    @property
    def verifier(self) -> Verifier:
        """The verifier that checks this authority's own routes; there while the authority runs."""
        if self._verifier is None:
            raise Unavailable("the authority is not running")
        return self._verifier

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def __aenter__(self) -> Self:
        """Opens and checks the store, loads the keys, starts the follower, waits off the loop for the first lease.

        Raises:
            Misconfigured: it runs already, or the store, the keys or the issuer do not fit.
            Unavailable: the store is in trouble.
        """
        if self._process == os.getpid():
            raise Misconfigured("this authority runs already: enter it once, in the outermost lifespan")
        self._process = os.getpid()
        try:
            await self._open()
        except BaseException:
            self._process = None
            raise
        return self

    async def _open(self) -> None:
        world = self.world
        await world.store.open(world.policy.staleness)
        try:
            await self._claim_issuer()
            await rotate_keys.load_keys(world)
            verifier = Verifier(
                world.issuer,
                audience=world.issuer,
                follow=world.store.log(),
                resolve=self._resolve,
                shared_keys=world.signer.shared_key_set,
                staleness=world.policy.staleness,
                clocks=world.clocks,
            )
            await asyncio.to_thread(verifier.start)
        except BaseException:
            await world.store.close()
            raise
        self._verifier = verifier
        verifier.on_ended(self._heard)
        world.recheck, world.heard = verifier.recheck, verifier.applied
        self._draining = False
        self._jobs = asyncio.create_task(jobs.run_jobs(world), name="tallystick-jobs")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops accepting, deregisters the verifier, flushes, closes."""
        self._draining = True
        self.world.recheck = self.world.heard = None
        self.world.services.clear()
        if self._jobs is not None:
            self._jobs.cancel()
            with suppress(asyncio.CancelledError):
                await self._jobs
        try:
            if self._verifier is not None:
                await asyncio.to_thread(self._verifier.stop)
            with suppress(Unavailable):
                await jobs.flush_uses(self.world)
            await self.world.hasher.close()
        finally:
            self._verifier = None
            self._process = None
            await self.world.store.close()

    @asynccontextmanager
    async def lifespan(self, app: Any = None) -> AsyncIterator[Mapping[str, Any]]:
        """Is an ASGI lifespan: runs the authority and puts it into the lifespan state as `tallystick`."""
        async with self:
            yield {STATE_NAME: self}

    def ready(self) -> bool:
        """Tells whether it runs, is not draining, and its verifier holds a lease."""
        return self._verifier is not None and not self._draining and self._verifier.leased()

    def drain(self) -> None:
        """Makes `ready` say no, so that no new requests are sent here."""
        self._draining = True

    def _heard(self, entry: Revocation) -> None:
        # Another process revoked the key that signs here: what it would sign from now on is refused everywhere.
        if entry.ending.kind is Kind.KEY:
            self._keys_heard += 1
            if self._reloading is None:
                self._reloading = asyncio.create_task(self._reload_keys(), name="tallystick-reload-keys")

    async def _reload_keys(self) -> None:
        seen = -1
        try:
            # What is heard while the keys are read may be newer than what was read.
            while seen != self._keys_heard:
                seen = self._keys_heard
                await rotate_keys.load_keys(self.world)
        except TallystickError as error:
            self.world.events.tell((Event("job.failed", None, (("job", "keys"), ("code", error.code))),))
        finally:
            self._reloading = None

    async def _claim_issuer(self) -> None:
        recorded = await self.world.store.setting(_ISSUER_SETTING)
        if recorded is None:
            if self._claims_store:
                await self.world.store.setting(_ISSUER_SETTING, self.issuer)
        elif recorded != self.issuer:
            raise Misconfigured(
                f"this store belongs to the issuer {recorded}, not to {self.issuer}: serve it there (the same port, or "
                "TALLYSTICK_ISSUER), or begin with another store"
            )

    async def _resolve(self, digests: Sequence[Digest]) -> Sequence[CookieFill]:
        # What was used but not yet written would look idle, so it is written before the authoritative read.
        unwritten: Unavailable | None = None
        if self.world.uses:
            try:
                await jobs.flush_uses(self.world)
            except Unavailable as error:
                unwritten = error
        fills = await self.world.store.resolve(digests)
        if unwritten is not None and any(fill.because == "expired" for fill in fills):
            # A full disk lets reads go on, but an idle clock that could not be written ends nobody's session.
            raise unwritten
        return fills

    # ── presenting ───────────────────────────────────────────────────────────────────────────────────────────────

    def verify(self, token: str) -> SessionView:
        """Checks an access token meant for this authority; no I/O. Raises Rejected or Unavailable."""
        return self._used(self.verifier.verify(token))

    async def view_of_cookie(self, value: str) -> SessionView:
        """Checks a session cookie; its first sight costs one batched read. Raises Rejected or Unavailable."""
        return self._used(await self.verifier.view_of_cookie(value))

    async def session_of(self, connection: Any) -> SessionView:
        """Gives the session that a request presents, by either credential. Raises Rejected or Unavailable."""
        return self._used(await self.verifier.session_of(connection))

    def glance(self, connection: Any) -> SessionView | None:
        """Gives the session behind a request whose credential was seen before; None means: ask `session_of`."""
        verifier = self._verifier
        view = (self.verifier if verifier is None else verifier).glance(connection)
        if view is not None and view.credential == "cookie":
            self.world.uses[view.id] = self.world.clock.now()
        return view

    def _used(self, view: SessionView) -> SessionView:
        # Using a cookie keeps its session alive; checking an access token does not (NIST SP 800-63B-4 section 5.2).
        if view.credential == "cookie":
            self.world.uses[view.id] = self.world.clock.now()
        return view

    async def account_of(self, view: SessionView) -> Account | None:
        """Gives the account behind a session; None for a service."""
        return (await self.world.store.facts_of_account(view.principal)).account

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def sign_up(self, email: str, password: str, *, network: str) -> Account:
        """Creates an account for whoever asks. See accounts.sign_up."""
        return await accounts.sign_up(self.world, email, password, network=network)

    async def sign_in(
        self, email: str, password: str, *, network: str, cookie: str | None = None, stay: bool = False, label: str = ""
    ) -> SignedIn:
        """Opens a browser's session by a password. See sign_in.sign_in."""
        return await sign_in.sign_in(
            self.world, email, password, network=network, cookie=cookie, stay=stay, label=label
        )

    async def sign_in_app(
        self,
        email: str,
        password: str,
        *,
        client_id: str,
        scope: frozenset[str] | None = None,
        network: str,
        label: str = "",
    ) -> Tokens:
        """Opens a first-party native app's session by a password. See sign_in.sign_in_app."""
        return await sign_in.sign_in_app(
            self.world, email, password, client_id=client_id, scope=scope, network=network, label=label
        )

    async def step_up(self, cookie: str, password: str, *, network: str) -> SignedIn:
        """Proves the password again: the session gains a fresh authentication and a new cookie."""
        present = await browser.get_browser_session(self.world, cookie, self.world.clock.now())
        await prove_known_password(self.world, present.account, password, network=network, session=present.session)
        again = Authentication(self.world.clock.now(), ("pwd",), sign_in.PASSWORD_ACR)
        return await browser.step_up(self.world, cookie, again)

    async def change_password(self, cookie: str, old: str, new: str, *, network: str) -> SignedIn:
        """Changes a password: every other session of the account ends. See accounts.change_password."""
        return await accounts.change_password(self.world, cookie, old, new, network=network)

    async def sign_out(self, session: SessionView | SessionId) -> Revoked:
        """Ends a session with every session bound to it."""
        target = session.id if isinstance(session, SessionView) else session
        return await revoke.append(self.world, decide.revoke(target, "signed out"), "logged")

    async def end_all_but(self, cookie: str) -> SignedIn:
        """Ends every session of a person but the one that asks. See browser.end_all_but."""
        return await browser.end_all_but(self.world, cookie)

    # ── clients ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def issue_access_token(self, cookie: str, *, audience: str | None = None) -> Tokens:
        """Mints an access token from a browser's session. See browser.issue_access_token."""
        return await browser.issue_access_token(self.world, cookie, audience)

    async def refresh(
        self,
        token: str,
        *,
        client_id: str | None,
        client_secret: str | None = None,
        scope: frozenset[str] | None = None,
        network: str,
    ) -> Tokens:
        """Trades a refresh token. See refresh.refresh."""
        return await refresh.refresh(
            self.world, token, client_id=client_id, client_secret=client_secret, scope=scope, network=network
        )

    async def client_credentials(
        self,
        *,
        client_id: str,
        client_secret: str,
        scope: frozenset[str] | None = None,
        audience: str | None = None,
        network: str,
    ) -> Tokens:
        """Gives a service an access token. See clients.client_credentials."""
        return await clients.client_credentials(
            self.world,
            client_id=client_id,
            client_secret=client_secret,
            scope=scope,
            audience=audience,
            network=network,
        )

    async def open_from(
        self,
        cookie: str,
        *,
        client_id: str,
        scope: frozenset[str],
        audiences: Sequence[str] = (),
        bound: bool = True,
        born: Position | None = None,
        label: str = "",
    ) -> Tokens:
        """Opens a client's session from a browser's. See browser.open_session_from."""
        return await browser.open_session_from(
            self.world, cookie, client_id, scope=scope, audiences=audiences, bound=bound, born=born, label=label
        )

    # ── ending ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def revoke(
        self, target: Target, *, because: str, strength: Strength = "logged", offline: bool = True
    ) -> Revoked:
        """Ends what a target covers.

        Args:
            target: a SessionId, PrincipalId, ClientId, KeyId, or Everything().
            because: why, for the audit trail.
            strength: `logged` returns after the append; `everywhere` when no verifier accepts it any more.
            offline: for a session, also what was opened from it and is not bound to it.

        Raises:
            Unavailable: nothing was ended, or (said in detail) the outcome is unknown.
        """
        self._asked(target, because)
        return await revoke.revoke(self.world, target, strength=strength, offline=offline)

    async def outdate(
        self, target: SessionId | PrincipalId | Everything, *, because: str, strength: Strength = "logged"
    ) -> Revoked:
        """Makes every credential that a target covers look again; nothing ends."""
        self._asked(target, because)
        return await revoke.outdate(self.world, target, strength)

    async def await_everywhere(self, position: Position) -> Revoked:
        """Waits until a position that was appended before is true everywhere; may be called by anyone, again."""
        await self.world.store.want_acks(position)
        return await revoke.await_everywhere(self.world, position, self.world.clock.boot())

    def _asked(self, target: Target, because: str) -> None:
        kind, name = type(target).__name__, "" if isinstance(target, Everything) else str(target)
        self.world.events.tell((Event("ending.asked", None, (("kind", kind), ("name", name), ("because", because))),))

    async def _reported(self, committed: Committed, strength: Strength) -> Revoked:
        return await revoke.report(self.world, committed, strength)

    # ── operators ────────────────────────────────────────────────────────────────────────────────────────────────

    async def create_account(self, email: str, password: str, *, permissions: frozenset[str] = frozenset()) -> Account:
        """Creates an account. See accounts.create_account."""
        return await accounts.create_account(self.world, email, password, permissions)

    async def accounts(self, after: str = "", limit: int = 100) -> Sequence[Account]:
        """Gives accounts in order of identifier."""
        return await self.world.store.accounts(after, limit)

    async def find_account(self, email_or_id: str) -> Account | None:
        """Finds an account by address or id."""
        return await accounts.find_account(self.world, email_or_id)

    async def disable_account(self, account: PrincipalId, *, because: str, strength: Strength = "logged") -> Revoked:
        """Disables an account and ends all of its sessions."""
        self._asked(account, because)
        committed = await accounts.disable_account(self.world, account, everywhere=strength == "everywhere")
        return await self._reported(committed, strength)

    async def grant(self, account: PrincipalId, permission: str) -> Account:
        """Gives an account a permission; its credentials look again."""
        return await accounts.permit(self.world, account, permission, granted=True)

    async def withdraw(self, account: PrincipalId, permission: str) -> Account:
        """Takes a permission from an account; its credentials look again."""
        return await accounts.permit(self.world, account, permission, granted=False)

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
        self._asked(client, because)
        committed = await clients.disable_client(self.world, client, everywhere=strength == "everywhere")
        return await self._reported(committed, strength)

    async def sessions_of(self, principal: PrincipalId) -> Sequence[Session]:
        """Gives a principal's live sessions, newest first."""
        return await self.world.store.sessions_of(principal)

    async def keys(self) -> Sequence[SigningKey]:
        """Gives the signing keys, whatever their state."""
        return (await self.world.store.keys())[0]

    async def rotate_keys(self) -> SigningKey:
        """Begins a rotation by hand; gives the key that was announced."""
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

    async def log_page(self, after: Position, limit: int = 1000) -> Sequence[Revocation]:
        """Gives entries of the log after a position."""
        return await self.world.store.log_page(after, limit)

    async def head(self) -> Position:
        """Gives the last position of the log."""
        return await self.world.store.head()
