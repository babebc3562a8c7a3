"""Starts a Redis server that keeps nothing on disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.processes import Server, free_port, serving
from benchmarks.setup import redis_server


@contextmanager
def redis() -> Iterator[Server]:
    """Runs Redis on a port of 127.0.0.1 until the block ends."""
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "/tmp"]
    with serving([str(redis_server()), *options], port) as server:
        yield server
