"""What whoever is asked reads at a scrape: keys, heads of the logs, the registry of verifiers, the build."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from tallystick.core.keys.lifecycle import next_step
from tallystick.core.policy import Policy
from tallystick.observe import catalogue as of
from tallystick.observe import silence
from tallystick.ports import Clock, Store
from tallystick.verifier.metric import Readings

_LOOK_S = 0.02


class StoreReadings:
    """Reads the store once for each scrape.

    Args:
        store: which one.
        clock: time.
        policy: for the steps of keys.
        note: replaces the note that the processes share (see `Folder.note`).
        version: of tallystick.
    """

    def __init__(
        self, store: Store, clock: Clock, policy: Policy, note: Callable[[Callable[[Any], Any]], Any], version: str
    ) -> None:
        self._store, self._clock, self._policy, self._note, self._version = store, clock, policy, note, version

    async def build(self) -> Readings:
        """Gives which release answers."""
        return {of.BUILD: {(self._version, ".".join(map(str, sys.version_info[:3]))): 1}}

    async def keys(self) -> Readings:
        """Gives number and age of the signing keys, and when their next step is due."""
        now = self._clock.now()
        keys, _ = await self._store.keys()
        states = Counter(key.state.value for key in keys)
        oldest = {key.state.value: key.created_at for key in sorted(keys, key=lambda key: -key.created_at)}
        step = next_step(keys, self._policy)
        return {
            of.KEYS: {(state,): states[state] for state in of.STATES},
            of.KEY_AGE: {(state,): now - at for state, at in oldest.items()},
            of.KEY_STEP: {(step.move.value,): step.due_at - now if step.due_at else 0},
        }

    async def heads(self) -> Readings:
        """Gives the last positions of the revocation log and of the audit trail."""
        head, (audited, _) = await self._store.head(), await self._store.audit_head()
        return {of.LOG_HEAD: {(): head.seq}, of.LOG_EPOCH: {(): head.epoch}, of.AUDIT_HEAD: {(): audited}}

    async def verifiers(self) -> Readings:
        """Gives which verifiers answer: asks them, and waits a moment for those that owe an answer."""
        await asyncio.sleep(silence.rest_s(await self._look(), self._clock.boot()))
        watch = await self._look()
        now = self._clock.boot()
        asked = silence.to_ask(watch, now)
        if asked:
            watch = await self._fold(lambda known: silence.asked(known, asked, now))
            await self._store.doubt(asked)
            watch = await self._look()
        while silence.is_waited_for(watch, self._clock.boot()):
            await asyncio.sleep(_LOOK_S)
            watch = await self._look()
        return silence.readings_of(watch, self._clock.boot())

    async def _look(self) -> silence.Watch:
        rows = await self._store.verifiers()
        now = self._clock.boot()
        return await self._fold(lambda known: silence.looked(known, rows, now))

    async def _fold(self, change: Callable[[silence.Watch], silence.Watch]) -> silence.Watch:
        note = await asyncio.to_thread(self._note, lambda note: silence.noted(change(silence.parsed(note))))
        return silence.parsed(note)
