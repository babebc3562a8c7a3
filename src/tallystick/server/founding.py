"""Founds a set-up in a folder: settings file, root key, database, first administrator. What is there already stays."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tallystick.embed import checked_issuer
from tallystick.errors import AlreadyExists, Misconfigured
from tallystick.identity.account import ADMIN_PERMISSION, Account
from tallystick.server.settings import FILE, Settings
from tallystick.server.settings_text import settings_text
from tallystick.server.wiring import build_authority, default_issuer, recorded_issuer, sqlite_file


@dataclass(frozen=True, slots=True)
class Founded:
    """What was made.

    Args:
        settings_file: whether the settings file was written; False if it was there.
        root_key: whether the root key was made.
        database: whether the database was made.
        administrator: the account, if one was asked for; it may have been there.
        made_administrator: whether that account was made.
        issuer: under which the server will be known.
    """

    settings_file: bool
    root_key: bool
    database: bool
    administrator: Account | None
    made_administrator: bool
    issuer: str


def found_in(folder: Path, chosen: Mapping[str, Any], admin: str = "", password: str = "") -> Founded:
    """Makes in a folder whatever is lacking there.

    Args:
        folder: made with mode 0700 if it is not there.
        chosen: settings for the file, by their names with dots.
        admin: the e-mail address of the first administrator; empty for none.
        password: of the administrator.

    Raises:
        Misconfigured: the settings cannot be used, or a settings file is there that says something else.
        AlreadyExists: an account of that address is there, and is no administrator.
        PasswordRefused, InvalidRequest: address or password cannot be used.
    """
    if issuer := chosen.get("issuer"):
        checked_issuer(issuer)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with chdir(folder):
        wrote = _write(chosen)
        settings = Settings.load()
        _demand(settings, chosen)
        key = settings.root_key_file.exists()
        database = _database_there(settings)
        account, made, known_as = asyncio.run(_fill(settings, admin, password))
        return Founded(wrote, not key, not database, account, made, known_as)


def _write(chosen: Mapping[str, Any]) -> bool:
    text = settings_text(chosen)
    try:
        descriptor = os.open(FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    return True


def _demand(settings: Settings, chosen: Mapping[str, Any]) -> None:
    for name, value in chosen.items():
        if getattr(settings, name) != value:
            raise Misconfigured(
                f"{FILE} or the environment says something else about {name}: change it there, or found another folder"
            )


def _database_there(settings: Settings) -> bool:
    path = sqlite_file(settings.store)
    return path is not None and path.exists()


async def _fill(settings: Settings, admin: str, password: str) -> tuple[Account | None, bool, str]:
    issuer = settings.issuer or await recorded_issuer(settings) or default_issuer(settings)
    # Without an issuer in the settings the first `serve` says which it is, since it knows its port.
    async with build_authority(settings, issuer, claims_store=bool(settings.issuer)) as authority:
        if not admin:
            return None, False, issuer
        found = await authority.find_account(admin)
        if found is None:
            permissions = frozenset({ADMIN_PERMISSION})
            return await authority.create_account(admin, password, permissions=permissions), True, issuer
        if ADMIN_PERMISSION not in found.permissions:
            words = (
                f"{admin} has an account and is no administrator: tallystick account grant {admin} {ADMIN_PERMISSION}"
            )
            raise AlreadyExists(words)
        return found, False, issuer
