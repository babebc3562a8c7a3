"""What a request gets that is open while the server stops."""

from __future__ import annotations

import asyncio
from typing import Any

from tallystick.web.edge import Edge


async def _held(call: Any) -> Any:
    await asyncio.sleep(60)


def _scope(path: str, host: bytes) -> dict[str, Any]:
    return {
        "type": "http", "method": "GET", "path": path, "headers": [(b"host", host)], "query_string": b"",
        "http_version": "1.1", "scheme": "https",
    }  # fmt: skip


def _edge(handler: Any) -> Edge:
    table = {path: {"GET": handler} for path in ("/held",)}
    return Edge(table, "https://auth.example", lifespan=None)  # type: ignore[arg-type]


async def _answer(edge: Edge, scope: dict[str, Any], cancelled_after_s: float | None = None) -> int:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    task = asyncio.create_task(edge(scope, receive, send))  # type: ignore[arg-type]
    if cancelled_after_s is not None:
        await asyncio.sleep(cancelled_after_s)
        task.cancel()
    await task
    status: int = sent[0]["status"]
    return status


def test_a_request_that_the_stopping_server_cancels_is_503() -> None:
    """Whoever is still waiting when the server stops is told to try again, never that something is wrong."""
    assert asyncio.run(_answer(_edge(_held), _scope("/held", b"auth.example"), 0.01)) == 503
