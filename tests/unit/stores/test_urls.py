"""Stores by URL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.errors import Misconfigured
from tallystick.stores.memory.store import MemoryStore
from tallystick.stores.open import open_log, open_stores
from tallystick.stores.sql.sqlite_log import SqliteLog
from tallystick.stores.sql.sqlite_store import SqliteStore


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///t.db", "t.db"),
        ("sqlite:///deep/t.db", "deep/t.db"),
        ("sqlite:////var/lib/t.db", "/var/lib/t.db"),
        ("sqlite:////var/a%20b.db", "/var/a b.db"),
    ],
)
def test_a_url_names_a_file(url: str, path: str) -> None:
    """Three slashes and a path are relative to the working folder, four are absolute."""
    store, log = open_stores(url), open_log(url)
    assert isinstance(store, SqliteStore)
    assert isinstance(log, SqliteLog)
    assert store._path == log._path == Path(path)


@pytest.mark.parametrize("url", ["memory:", "memory://"])
def test_memory_is_followed_in_its_own_process(url: str) -> None:
    """A store in memory exists, but no other process can follow it."""
    assert isinstance(open_stores(url), MemoryStore)
    with pytest.raises(Misconfigured, match=r"log\(\)"):
        open_log(url)


@pytest.mark.parametrize(
    "url",
    ["", "t.db", "sqlite:t.db", "sqlite://t.db", "sqlite://host/t.db", "sqlite:///", "sqlite:///d/", "sqlite:///t?x=1",
     "sqlite:///t#x", "postgresql://h/d", "redis://h"],
)  # fmt: skip
def test_a_url_of_no_store_is_refused(url: str) -> None:
    """The message names the stores that exist."""
    for call in (open_stores, open_log):
        with pytest.raises(Misconfigured, match="sqlite:////absolute"):
            call(url)
