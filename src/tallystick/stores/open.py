"""Stores and logs by URL. A driver is imported when its URL is seen; nothing is opened here."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from tallystick.core.credentials.view import CookieResolver
from tallystick.core.revocation.feed import Log
from tallystick.errors import Misconfigured
from tallystick.ports import Store

_EXIST = "memory://, sqlite:///relative.db, sqlite:////absolute.db"


class FollowedLog(Log, CookieResolver, Protocol):
    """What `open_log` gives: a log to follow that also says what cookies stand for."""


def open_stores(url: str) -> Store:
    """Gives the store that a URL names. It does no I/O; a lifespan, or `Store.open`, does.

    Args:
        url: `memory://`; `sqlite:///` and a path relative to the working folder; or `sqlite:////` and an absolute path.

    Raises:
        Misconfigured: there is no such store; the message names what exists.
    """
    if url in ("memory:", "memory://"):
        from tallystick.stores.memory.store import MemoryStore

        return MemoryStore()
    path = sqlite_path(url)
    from tallystick.stores.sql.sqlite_store import SqliteStore

    return SqliteStore(path)


def open_log(url: str) -> FollowedLog:
    """Gives the log of a store that another process of this host has opened, to follow it. It does no I/O.

    Args:
        url: as for `open_stores`.

    Raises:
        Misconfigured: there is no such store, or it cannot be followed from outside; the message names what exists.
    """
    if url in ("memory:", "memory://"):
        raise Misconfigured("a store in memory is followed in its own process only, by its log()")
    path = sqlite_path(url)
    from tallystick.stores.sql.sqlite_log import SqliteLog

    return SqliteLog(path)


def sqlite_path(url: str) -> Path:
    """Gives the file of a SQLite store; raises Misconfigured if the URL names another."""
    parts = urlsplit(url)
    if parts.scheme != "sqlite":
        raise Misconfigured(f"there is no store for {parts.scheme or 'a URL without a scheme'}: there are {_EXIST}")
    path = unquote(parts.path)
    if parts.netloc or parts.query or parts.fragment or not path.startswith("/") or path.endswith("/"):
        raise Misconfigured(f"a SQLite store is named by three slashes and a path: {_EXIST}")
    return Path(path[1:])
