"""A log that a test can cut off, freeze, or make slow, without the follower knowing."""

from __future__ import annotations

import time
from threading import Event
from typing import Any

from tallystick.core.revocation.feed import Answer, Beat
from tallystick.errors import Unavailable

_ALWAYS = ("close", "wake")


class GatedLog:
    """Passes every call on to a real log, unless the gate is shut.

    Args:
        log: the real one.
    """

    def __init__(self, log: Any) -> None:
        self._log = log
        self._is_cut = False
        self._open = Event()
        self._open.set()
        self.answers_take_s = 0.0
        self.beats = 0
        self.key_sets: list[bytes] = []
        self.key_set_instead: bytes | None = None

    def cut(self) -> None:
        """From now on every call fails."""
        self._is_cut = True
        self._log.wake()

    def freeze(self) -> None:
        """From now on every call hangs."""
        self._open.clear()
        self._log.wake()

    def mend(self) -> None:
        """Everything works again."""
        self._is_cut = False
        self._open.set()

    def beat(self, beat: Beat) -> Answer:
        """Sends a beat; the answer, computed at once, may take its time."""
        self._pass()
        answer: Answer = self._log.beat(beat)
        self.beats += 1
        if self.answers_take_s:
            time.sleep(self.answers_take_s)
        return answer

    def key_set(self) -> bytes:
        """Gives the published key set, or what a stale cache would give."""
        self._pass()
        found: bytes = self.key_set_instead or self._log.key_set()
        self.key_sets.append(found)
        return found

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._log, name)
        if name in _ALWAYS or not callable(found):
            return found

        def call(*arguments: Any) -> Any:
            self._pass()
            answer = found(*arguments)
            if name == "wait":
                self._pass()
            return answer

        return call

    def _pass(self) -> None:
        assert self._open.wait(30), "a frozen log was never mended"
        if self._is_cut:
            raise Unavailable("the log was cut off by the test")
