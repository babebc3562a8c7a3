"""The near-cache: fills that are on their way while a session ends, and entries that are forgotten."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from tallystick.core.credentials.view import CookieFill, SessionView
from tallystick.core.ids import BROWSER_CLIENT
from tallystick.core.revocation.entry import GENESIS, Ending, Kind, Position, place
from tallystick.core.revocation.index import RevocationIndex
from tallystick.core.secret import Digest
from tallystick.core.verification.near_cache import NearCache, Nothing
from tests.model.lease import ADA, EPOCH, X

COOKIE = Digest.of("cookie")
KEPT_S = 3
"""T_nc: how long a fill may be used, counted from when it was asked for."""
RETENTION_S = 4
ENDING = place(GENESIS, Position(EPOCH, 1), Ending(Kind.SESSION, X), 0)


class Floorless(RevocationIndex):
    """An index that forgets without raising its floor: retention alone must do."""

    def raise_floor(self, position: Position) -> None:
        """Does nothing."""


class Remembered:
    """Index and cache, compared by what decides their behaviour."""

    def __init__(self, index: RevocationIndex, cache: NearCache) -> None:
        self.index = index
        self.cache = cache

    @cached_property
    def key(self) -> Hashable:
        """Everything that decides what they say from now on."""
        generations = tuple((one.closed_at, one.newest, tuple(one.ended)) for one in self.index._generations)
        return self.index.frozen(), generations, self.cache._views.get(COOKIE), self.cache._nothing.get(COOKIE)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remembered) and self.key == other.key

    def changed(self) -> Remembered:
        """Gives a copy to change."""
        return Remembered(copy.deepcopy(self.index), copy.deepcopy(self.cache))


@dataclass(frozen=True)
class CacheState:
    """The store, what the verifier remembers, and a fill on its way.

    Args:
        remembered: index and cache.
        now: seconds.
        ended: the session has ended in the store.
        applied: the verifier has applied the entry.
        asked_at: when a read was sent that is not answered yet.
        fill: what the store answered, on its way.
    """

    remembered: Remembered
    now: int = 0
    ended: bool = False
    applied: bool = False
    asked_at: int | None = None
    fill: CookieFill | None = None

    def __hash__(self) -> int:
        known = self.fill is not None and self.fill.view is not None
        return hash((self.remembered, self.now, self.ended, self.applied, self.asked_at, self.fill is None, known))


class CacheModel:
    """The real index and near-cache, with a mistake or without one.

    Args:
        mistake: the name of a mistake to make, or the empty text.
        last_second: how far time goes.
        floor: the index raises its floor when it forgets; False shows that retention alone is enough.
    """

    def __init__(self, mistake: str = "", *, last_second: int = 12, floor: bool = True) -> None:
        self.mistake = mistake
        self.last_second = last_second
        self.floor = floor and not mistake
        self.retention_s = 1 if mistake == "short_retention" else RETENTION_S

    def initial(self) -> Iterator[CacheState]:
        """A session is live, and nothing is remembered."""
        yield CacheState(Remembered(RevocationIndex() if self.floor else Floorless(), NearCache(8, 8)))

    def steps(self, state: CacheState) -> Iterator[tuple[str, CacheState]]:
        """What can happen next."""
        if state.now < self.last_second:
            aged = state.remembered.changed()
            aged.index.age(state.now + 1, self.retention_s)
            yield "a second passes", replace(state, now=state.now + 1, remembered=aged)
        if not state.ended:
            yield "the session ends, and its entry is appended", replace(state, ended=True)
        if state.ended and not state.applied:
            heard = state.remembered.changed()
            heard.index.add(ENDING)
            if self.mistake == "evict_on_arrival":
                heard.cache.drop(COOKIE)
            yield "the verifier applies the entry", replace(state, applied=True, remembered=heard)
        if state.asked_at is None:
            yield "a request with the cookie asks the store", replace(state, asked_at=state.now)
        elif state.fill is None:
            yield "the store answers", replace(state, fill=self._read(state))
        else:
            filled = state.remembered.changed()
            sent_at = state.now if self.mistake == "cache_on_another_clock" else state.asked_at
            filled.cache.fill(COOKIE, state.fill, float(sent_at), KEPT_S, filled.cache.era)
            yield "the answer arrives", replace(state, remembered=filled, asked_at=None, fill=None)

    @staticmethod
    def _read(state: CacheState) -> CookieFill:
        position = Position(EPOCH, 1 if state.ended else 0)
        if state.ended:
            return CookieFill(position, 0, None, "ended")
        view = SessionView(X, ADA, BROWSER_CLIENT, frozenset(), position, "cookie", 10**9)
        return CookieFill(position, 10**9, view)

    def broken(self, state: CacheState) -> str | None:
        """NothingResurrects: once the verifier has applied the ending, no cached view is accepted."""
        found = state.remembered.cache.find(COOKIE, float(state.now), float(state.now))
        if not state.applied or found is None or isinstance(found, Nothing):
            return None
        if self.mistake == "evict_on_arrival" or state.remembered.index.covers(found) is None:
            return "NothingResurrects: a cached view of an ended session is accepted"
        return None
