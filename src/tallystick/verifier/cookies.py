"""Checks cookies: from the near-cache, or after one read that every miss of a loop tick shares."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NoReturn

from tallystick.core.credentials.view import CookieFill, SessionView
from tallystick.core.secret import Digest
from tallystick.core.verification.check import check
from tallystick.core.verification.near_cache import NearCache, Nothing
from tallystick.errors import (
    CredentialExpired,
    CredentialMalformed,
    CredentialOutdated,
    SessionEnded,
    TallystickError,
    Unavailable,
)
from tallystick.verifier.fills import Fills, Found, Resolve
from tallystick.verifier.following import Following
from tallystick.verifier.present import digest_of
from tallystick.verifier.tally import SAMPLED

LOOKS = 3
"""How often a cookie is looked up for one request while the log goes on to outdate what was read."""


class CookieChecks(Following):
    """What of a verifier checks cookies; `Verifier` adds access tokens and sets what is only declared here."""

    _near: NearCache
    _fills: Fills
    _async_resolve: Resolve | None
    _blocking_resolve: Any

    async def view_of_cookie(self, value: str) -> SessionView:
        """Checks a session cookie's value; its first sight costs one read, shared with every other miss of the loop's tick.

        Raises:
            Rejected: it is no good; the subclass says why.
            Unavailable: our own trouble; LeaseLapsed without a lease.
        """
        begun = self._boot()
        try:
            found = self._remembered(value)
            if found is not None:
                return found
            digest = digest_of(value)
            for _ in range(LOOKS):
                await self._require_lease_async()
                view = self._settled(digest, await self._fills.get(value, digest))
                if view is not None:
                    self._tally.first_cookie(self._boot() - begun)
                    return view
            raise CredentialOutdated("the log went on while the session was looked up")
        except TallystickError as error:
            self._tally.refuse("cookie", error)
            raise

    def view_of_cookie_blocking(self, value: str) -> SessionView:
        """Checks a session cookie's value on the caller's thread; raises as `view_of_cookie` does."""
        begun = self._boot()
        try:
            found = self._remembered(value)
            if found is not None:
                return found
            digest = digest_of(value)
            for _ in range(LOOKS):
                self._require_lease()
                view = self._settled(digest, self._fills.get_blocking(value, digest))
                if view is not None:
                    self._tally.first_cookie(self._boot() - begun)
                    return view
            raise CredentialOutdated("the log went on while the session was looked up")
        except TallystickError as error:
            self._tally.refuse("cookie", error)
            raise

    def _remembered(self, value: str) -> SessionView | None:
        memory = self._memory
        now = self._boot()
        try:
            digest = sha256(value.encode()).digest()
        except (AttributeError, UnicodeEncodeError):
            raise CredentialMalformed("a cookie that is no text") from None
        found = self._near.find(digest, now, now + memory.offset)
        if isinstance(found, SessionView):
            try:
                check(found, memory, now)
            except CredentialOutdated:
                # It was read before a change that concerns it: it is read once more, and the authority decides.
                self._near.drop(digest)
                return None
            tally = self._tally
            tally.cookie_seen = number = tally.cookie_seen + 1
            if not number & SAMPLED:
                tally.cookie_seen_time.add(self._boot() - now)
            return found
        if found is not None and now < memory.deadline:
            _refuse(found)
        return None

    def _settled(self, digest: Digest, found: Found) -> SessionView | None:
        if isinstance(found, Nothing):
            _refuse(found)
        memory, now = self._memory, self._boot()
        try:
            check(found, memory, now)
        except CredentialOutdated:
            self._near.drop(digest)
            return None
        return found

    def _near_lifetime(self) -> float:
        return self._memory.staleness.near_cache_lifetime

    async def _resolve(self, digests: Sequence[Digest]) -> Sequence[CookieFill]:
        if self._async_resolve is not None:
            return await self._async_resolve(digests)
        if self._blocking_resolve is None:
            raise Unavailable("this verifier cannot look cookies up: its log cannot, and no resolve was handed in")
        return await asyncio.to_thread(self._blocking_resolve, digests)


def _refuse(found: Nothing) -> NoReturn:
    if found.because == "expired":
        raise CredentialExpired("the session's time is over")
    raise SessionEnded("no live session has this cookie")
