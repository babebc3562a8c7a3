"""Verifier: holds keys, index, caches and deadline, and hands every request to the one check of the core.

A credential that was seen before is checked in about two microseconds without a lock: one clock, one cache, one index.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal

from tallystick.core.credentials.access_token import Expected, view_of
from tallystick.core.credentials.access_token import check as check_claims
from tallystick.core.credentials.view import SessionView
from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import Revocation
from tallystick.core.revocation.feed import Log
from tallystick.core.verification.check import check
from tallystick.core.verification.near_cache import NearCache
from tallystick.core.verification.token_cache import TokenCache
from tallystick.errors import (
    CredentialMissing,
    KeyUnknown,
    Misconfigured,
    TallystickError,
)
from tallystick.http import Presented, cookie_name_of, presented
from tallystick.verifier.clocks import SYSTEM, Clocks
from tallystick.verifier.cookies import CookieChecks
from tallystick.verifier.fills import Fills, Resolve
from tallystick.verifier.keyring import SharedKeys
from tallystick.verifier.present import headers_of
from tallystick.verifier.sources import check_sources
from tallystick.verifier.tally import SAMPLED
from tallystick.verifier.unknown_keys import UnknownKeys


class Verifier(CookieChecks):
    """Checks credentials of one issuer, locally, under a lease on its revocation log. Building it opens nothing.

    Args:
        issuer: the authority's URL, compared as it is.
        audience: this service's audience; a token's `aud` must be or contain it.
        follow: the log, from `open_log(url)`; it also resolves cookies if it can.
        client_id: with `client_secret`, follows the authority's HTTP feed instead; not in this release.
        client_secret: of the service client.
        revocation: `followed`, or by name `none`: then an ended session's tokens stay good until they expire, and the
            keys are what `shared_keys` holds.
        resolve: asks what cookie digests stand for, if `follow` shall not; must read after it was called.
        shared_keys: a JWKS handed over within one trust domain (HS256), or a callable that gives it at each read.
        on_lapse: what to do without a lease: `fail_closed` raises LeaseLapsed.
        staleness: what the log header must say; None takes what it says.
        name: a readable part of the verifier's id; `verifier` by default.
        on_ended: called with every Revocation that is applied, from the follower's thread.
        clocks: where the time is read.

    Raises:
        Misconfigured: neither a log nor `revocation="none"`, or arguments that contradict each other.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        follow: Log | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        revocation: Literal["followed", "none"] = "followed",
        resolve: Resolve | None = None,
        shared_keys: SharedKeys = None,
        on_lapse: Literal["fail_closed"] = "fail_closed",
        staleness: Staleness | None = None,
        name: str | None = None,
        on_ended: Callable[[Revocation], object] | None = None,
        clocks: Clocks = SYSTEM,
    ) -> None:
        if on_lapse != "fail_closed":
            raise Misconfigured(f"on_lapse={on_lapse!r} is not known; there is fail_closed")
        feed = client_id is not None or client_secret is not None
        check_sources(follow, revocation, shared_keys, feed=feed)
        self.issuer, self.audience = issuer, audience
        self._async_resolve = resolve
        self._blocking_resolve = getattr(follow, "resolve", None)
        self._cookie_name = cookie_name_of(issuer)
        super().__init__(follow, clocks, shared_keys, staleness, name or "verifier")
        if on_ended is not None:
            self.on_ended(on_ended)

    def _renew(self) -> None:
        super()._renew()
        self._unknown = UnknownKeys(self._boot)
        self._tokens, self._near = TokenCache(), NearCache()
        self._find = self._tokens.find
        self._fills = Fills(self._near, self._boot, self._near_lifetime, self._resolve, self._blocking_resolve)
        self._follows(Staleness())

    def _follows(self, staleness: Staleness) -> None:
        self._expected = Expected.of(self.issuer, self.audience, staleness)
        self._leeway = staleness.leeway

    # ── checking ─────────────────────────────────────────────────────────────────────────────────────────────────

    def verify(self, token: str) -> SessionView:
        """Checks an access token; no await, no I/O.

        A key id that is not known makes it wait, once for each, up to a quarter of a second for the follower's thread
        to read the key set again.

        Args:
            token: the compact form, at most 16 KiB.

        Raises:
            Rejected: it is no good; the subclass says why.
            Unavailable: our own trouble; LeaseLapsed without a lease.
        """
        memory = self._memory
        now = self._boot()
        try:
            view = self._find(token, now + memory.offset - self._leeway)
            if view is None:
                return self._first_token(token, now)
            check(view, memory, now)
        except TallystickError as error:
            self._tally.refuse("access_token", error)
            raise
        tally = self._tally
        tally.token_seen = number = tally.token_seen + 1
        if not number & SAMPLED:
            tally.token_seen_time.add(self._boot() - now)
        return view

    def _first_token(self, token: str, now: float) -> SessionView:
        self._require_lease()
        view = self._first_sight(token, wait=True)
        check(view, self._memory, now)
        self._tally.first_token(self._boot() - now)
        return view

    def recheck(self, view: SessionView) -> None:
        """Asks whether the log says anything against what was read or verified before; no I/O.

        Raises:
            Rejected: it does; the subclass says what.
            LeaseLapsed: there is no lease.
        """
        check(view, self._memory, self._boot())

    async def session_of(self, connection: Any) -> SessionView:
        """Gives the session that a request presents, by either credential.

        Args:
            connection: a request or websocket with `scope`, an ASGI scope, a mapping of headers, or headers as ASGI
                gives them.

        Raises:
            CredentialMissing: it presents none.
            Rejected: what it presents is no good.
            Unavailable: our own trouble.
        """
        known = self.glance(connection)
        if known is not None:
            return known
        kind, value = self._presented(connection)
        if kind == "cookie":
            return await self.view_of_cookie(value)
        begun = self._boot()
        try:
            await self._require_lease_async()
            now = self._boot()
            try:
                view = self._first_sight(value, wait=False)
            except KeyUnknown:
                # It may wait for the key set to be read again, so not in the loop.
                view = await asyncio.to_thread(self._first_sight, value, wait=True)
            check(view, self._memory, now)
        except TallystickError as error:
            self._tally.refuse("access_token", error)
            raise
        self._tally.first_token(self._boot() - begun)
        return view

    def glance(self, connection: Any) -> SessionView | None:
        """Gives the session that a request presents if its credential was seen before; None means: ask `session_of`.

        Raises:
            CredentialMissing: it presents none.
            Rejected: what it presents is no good.
            Unavailable: our own trouble.
        """
        kind, value = self._presented(connection)
        try:
            if kind == "cookie":
                return self._remembered(value)
            memory, now = self._memory, self._boot()
            view = self._find(value, now + memory.offset - self._leeway)
            if view is None:
                return None
            check(view, memory, now)
        except TallystickError as error:
            self._tally.refuse("cookie" if kind == "cookie" else "access_token", error)
            raise
        tally = self._tally
        tally.token_seen = number = tally.token_seen + 1
        if not number & SAMPLED:
            tally.token_seen_time.add(self._boot() - now)
        return view

    def session_of_blocking(self, connection: Any) -> SessionView:
        """Gives the session that a request presents; takes a WSGI environ too. Raises as `session_of` does."""
        kind, value = self._presented(connection)
        return self.verify(value) if kind == "bearer" else self.view_of_cookie_blocking(value)

    def _presented(self, connection: Any) -> Presented:
        try:
            found = presented(headers_of(connection), self._cookie_name)
            if found is None:
                raise CredentialMissing
        except TallystickError as error:
            self._tally.refuse("none", error)
            raise
        return found

    def _first_sight(self, token: str, *, wait: bool) -> SessionView:
        memory = self._memory
        try:
            header, claims = self._keyring.reader.read(token)
        except KeyUnknown:
            if not wait:
                raise
            self._unknown.look_again(token, memory.index.keys, self._thread)
            header, claims = self._keyring.reader.read(token)
        now = self._boot()
        check_claims(header, claims, self._expected, int(now + memory.offset))
        view = view_of(header, claims)
        if view.tal > memory.applied and self._thread is not None:
            self._thread.heed(view.tal, now)
        self._tokens.keep(token, view)
        self.first_seen += 1
        return view

    def _flush(self) -> None:
        self._tokens.flush()
        self._near.flush()

    def _counted(self) -> dict[str, int]:
        return {"first_seen": self.first_seen, "cookie_reads": self._fills.reads}
