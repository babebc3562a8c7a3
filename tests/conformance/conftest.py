"""A world in which nobody may reach out."""

from __future__ import annotations

import builtins
import socket
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest


@pytest.fixture
def nobody_reaches_out(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Gives a list of what was opened or connected, which stays empty; to try fails."""
    tried: list[str] = []

    def forbidden(*args: Any, **_: Any) -> NoReturn:
        tried.append(repr(args))
        raise AssertionError(f"somebody reached out: {args}")

    with monkeypatch.context() as patched:
        patched.setattr(builtins, "open", forbidden)
        patched.setattr(socket, "socket", forbidden)
        patched.setattr(socket, "create_connection", forbidden)
        patched.setattr(socket, "getaddrinfo", forbidden)
        yield tried
