"""A client that sends slowly holds nothing for long and is answered as what it is: the client's fault."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from starlette.types import Message

from tallystick.web import edge, standalone
from tests.support.embedded import embedded


async def half_a_body(folder: Path) -> list[Message]:
    """Sends half of a body to a running authority, then nothing more, and gives what came back."""
    sent: list[Message] = []
    begun = False

    async def receive() -> Message:
        nonlocal begun
        if not begun:
            begun = True
            return {"type": "http.request", "body": b'{"email":', "more_body": True}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"content-length", b"60000")]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/session",
        "root_path": "",
        "headers": headers,
        "client": ("192.0.2.1", 4000),
    }
    async with embedded(folder) as authority:
        await asyncio.wait_for(standalone(authority)(scope, receive, send), 10)
    return sent


def test_a_body_that_does_not_arrive_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends half of a body and then nothing is answered with 408, and the connection is closed."""
    monkeypatch.setattr(edge, "BODY_WAIT_S", 0.05)
    start, body = asyncio.run(half_a_body(tmp_path))
    assert start["status"] == 408
    assert (b"connection", b"close") in start["headers"]
    assert b"request.too_slow" in body["body"]
