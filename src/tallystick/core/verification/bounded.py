"""A bounded memory that forgets by halves: no lock, no list of uses, no cost when it forgets."""

from __future__ import annotations

from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Bounded(Generic[Key, Value]):
    """Keeps at least the newest `half` entries and at most twice as many; what is used moves to the younger half.

    Each step is one operation on a dict, so several threads may use it: at worst one forgets what another just put.

    Args:
        half: how many entries a half holds, at least 1.
    """

    __slots__ = ("_half", "old", "young")

    def __init__(self, half: int) -> None:
        self._half = half
        self.young: dict[Key, Value] = {}
        self.old: dict[Key, Value] = {}

    def get(self, key: Key) -> Value | None:
        """Gives what was put under a key, or None."""
        found = self.young.get(key)
        if found is None:
            found = self.old.get(key)
            if found is not None:
                self.put(key, found)
        return found

    def put(self, key: Key, value: Value) -> None:
        """Puts a value under a key."""
        young = self.young
        if len(young) >= self._half and key not in young:
            self.old, self.young = young, {}
            young = self.young
        young[key] = value

    def drop(self, key: Key) -> None:
        """Forgets a key."""
        self.young.pop(key, None)
        self.old.pop(key, None)

    def clear(self) -> None:
        """Forgets everything."""
        self.young, self.old = {}, {}

    def __len__(self) -> int:
        """How many entries it holds; one that moved to the younger half counts in both."""
        return len(self.young) + len(self.old)
