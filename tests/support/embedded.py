"""An authority in this process, on SQLite in a folder, with passwords hashed as cheaply as is allowed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tallystick import Authority, open_stores
from tallystick.core.policy import DEFAULT, Policy
from tallystick.ports import Store

ISSUER = "http://localhost:8000"
EMAIL = "ada@example.com"
PASSWORD = "seven notches on a hazel stick"
NETWORK = "127.0.0.1"


class PlainHasher:
    """A Hasher that only marks passwords, so that a test spends its time elsewhere."""

    async def hash(self, password: str) -> str:
        """Gives the marked password."""
        return f"plain${password}"

    async def verify(self, password: str, stored: str | None) -> bool:
        """Compares."""
        return stored == f"plain${password}"

    def needs_rehash(self, stored: str) -> bool:
        """Never."""
        return False

    async def close(self) -> None:
        """Has nothing to stop."""


def store_url(folder: Path) -> str:
    """Gives the URL of the SQLite store in a folder."""
    return f"sqlite:///{folder / 'tallystick.db'}"


def embedded(folder: Path, *, grace: int = 10, stores: Store | None = None, **more: Any) -> Authority:
    """Gives an authority on the store in a folder; not yet opened.

    Args:
        folder: holds the database and the root key.
        grace: the refresh grace, seconds.
        stores: another store than the SQLite one in the folder.
        more: further arguments of Authority.
    """
    policy: Policy = replace(DEFAULT, refresh_grace=grace)
    root_key = folder / "root.key"
    hasher = more.pop("hasher", None) or PlainHasher()
    return Authority(
        ISSUER,
        stores or open_stores(store_url(folder)),
        policy=policy,
        root_key_file=root_key,
        hasher=hasher,
        **more,
    )
