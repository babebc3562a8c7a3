"""Gathers facts from a SQLite database."""

from __future__ import annotations

from pathlib import Path

from tallystick.core.keys.lifecycle import SigningKey
from tallystick.crypto.signer import KeySigner
from tallystick.errors import Misconfigured
from tallystick.identity.account import ADMIN_PERMISSION
from tallystick.ports import Sealer
from tallystick.server.doctor.facts import StoreFacts
from tallystick.stores.sql.inspecting import inspect
from tallystick.web.endpoints.mirror import kids_of


def store_facts(database: Path, sealer: Sealer | None) -> StoreFacts:
    """Reads what a database says of itself.

    Args:
        database: the file; it must be there.
        sealer: under the root key; None if that cannot be used.

    Raises:
        Unavailable: it cannot be read.
    """
    found = inspect(database)
    return StoreFacts(
        applied=found.applied,
        issuer=found.issuer,
        newest_at=found.newest_at,
        lost=found.lost,
        opens=None if sealer is None or not found.keys else _opens(found.keys, sealer),
        administrators=sum(ADMIN_PERMISSION in one for one in found.permissions),
        kids=kids_of(found.keys),
    )


def _opens(keys: tuple[SigningKey, ...], sealer: Sealer) -> bool:
    try:
        KeySigner(sealer).load(keys)
    except Misconfigured:
        return False
    return True
