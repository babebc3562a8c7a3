"""The rules are pure: what they need of the world (time, randomness, rows) comes in as arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import module_name, modules

PURE_ROOMS = ("core", "identity", "oauth", "advisor")
FORBIDDEN_IMPORTS = {
    "asyncio", "concurrent", "ctypes", "fcntl", "http.client", "io", "logging", "multiprocessing", "os", "pathlib",
    "queue", "random", "secrets", "select", "selectors", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess",
    "tempfile", "threading", "time", "urllib.request", "uuid",
}  # fmt: skip
FORBIDDEN_CALLS = {"open", "print", "input", "breakpoint", "eval", "exec", "__import__"}
FORBIDDEN_ATTRIBUTES = {"now", "utcnow", "today"}
NATIVE_CALLS = {"generate_private_key", "generate"}
SHARED_INDEX = {"tallystick.core.verification.token_cache", "tallystick.core.verification.near_cache"}
"""Caches that a request thread and the follower's thread share may hold a lock; nothing else."""


def impurities(tree: ast.AST) -> Iterator[str]:
    """Names everything in a module that reaches for the world: async code, I/O, clocks, randomness, logging."""
    for node in ast.walk(tree):
        match node:
            case ast.AsyncFunctionDef() | ast.AsyncFor() | ast.AsyncWith() | ast.Await():
                yield f"line {node.lineno}: async"
            case ast.Import():
                yield from (f"line {node.lineno}: import {a.name}" for a in node.names if _world(a.name))
            case ast.ImportFrom(module=str(name)):
                yield from (
                    f"line {node.lineno}: from {name} import {a.name}"
                    for a in node.names
                    if _world(name) or _world(f"{name}.{a.name}")
                )
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                yield f"line {node.lineno}: {name}()"
            case ast.Attribute(attr=name, value=ast.Name(id="datetime" | "date")) if name in FORBIDDEN_ATTRIBUTES:
                yield f"line {node.lineno}: the clock by {name}"
            case ast.Call(func=ast.Attribute(attr=name)) if name in NATIVE_CALLS:
                yield f"line {node.lineno}: a key made of hidden randomness by {name}()"


def _world(name: str) -> bool:
    parts = name.split(".")
    return any(".".join(parts[:count]) in FORBIDDEN_IMPORTS for count in range(1, len(parts) + 1))


@pytest.mark.parametrize("path", modules(*PURE_ROOMS), ids=module_name)
def test_the_rules_do_not_reach_for_the_world(path: Path) -> None:
    """A rule cannot read a clock, draw a random number, open a file, wait or write a log."""
    found = list(impurities(ast.parse(path.read_text())))
    if module_name(path) in SHARED_INDEX:
        found = [finding for finding in found if "threading" not in finding]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "async def f(): ...",
        "import time",
        "import os.path",
        "from time import time",
        "from urllib import request",
        "from datetime import datetime\nx = datetime.now()",
        "import secrets",
        "import random",
        "import logging",
        "open('f')",
        "ec.generate_private_key(curve)",
    ],
)
def test_an_impure_rule_is_found(text: str) -> None:
    """Each way to reach for the world is noticed."""
    assert list(impurities(ast.parse(text))) != []


def test_a_pure_rule_is_left_alone() -> None:
    """Parsing, hashing and calculating with instants that were handed in is allowed."""
    text = (
        "import hashlib\nfrom datetime import datetime\nfrom urllib.parse import urlsplit\ndef f(now): return now + 1"
    )
    assert list(impurities(ast.parse(text))) == []
