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

from tallystick.authority import jobs, rotate_keys
from tallystick.authority.for_clients import ForClients
from tallystick.authority.for_factors import ForFactors
from tallystick.authority.for_mail import ForMail
from tallystick.authority.for_operators import ForOperators
from tallystick.authority.for_people import ForPeople
from tallystick.authority.recording import Recorder
from tallystick.authority.world import World
from tallystick.core.credentials.view import CookieFill, SessionView
from tallystick.core.policy import Policy
from tallystick.core.revocation.entry import Kind, Revocation
from tallystick.core.secret import Digest
from tallystick.core.session.decision import Event
from tallystick.errors import Misconfigured, TallystickError, Unavailable
from tallystick.identity.account import Account
from tallystick.session_source import STATE_NAME
from tallystick.verifier.verifier import Verifier

_ISSUER_SETTING = "issuer"


class Authority(ForPeople, ForMail, ForFactors, ForClients, ForOperators):
    """The one that opens, issues and ends; also a SessionSource for its own routes, which it checks with a verifier.

    Args:
        world: ports and policy. `tallystick.Authority` builds it from an issuer and a store.
        claims_store: records its issuer in a store that belongs to none yet.
    """

    def __init__(self, world: World, *, claims_store: bool = True) -> None:
        self.world = world
        world.events = Recorder(world, world.events)
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

    @property
    def runs(self) -> bool:
        """Tells whether it runs."""
        return self._verifier is not None

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
                name="authority",
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
            await jobs.finish(self.world)
            if self._verifier is not None:
                await asyncio.to_thread(self._verifier.stop)
            with suppress(Unavailable):
                await jobs.flush_uses(self.world)
            with suppress(Unavailable):
                await jobs.close_trail(self.world)
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
