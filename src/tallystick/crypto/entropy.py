"""Randomness of the kernel."""

from __future__ import annotations

import os
from builtins import bytes as octets


class SystemEntropy:
    """What the kernel gives; nothing is kept, so a forked process draws its own."""

    __slots__ = ()

    def bytes(self, n: int) -> octets:
        """Gives n random bytes."""
        return os.urandom(n)
