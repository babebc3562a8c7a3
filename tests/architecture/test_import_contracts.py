"""The import contracts of `pyproject.toml`, and a home for each third party."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import OURS, ROOT, module_name, modules

HOMES = {
    "aiosmtplib": ("mail",),
    "argon2": ("crypto",),
    "bcrypt": ("crypto",),
    "click": ("cli",),
    "cryptography": ("core.keys", "crypto", "server.tls"),
    "fastapi": ("fastapi", "cli.demo"),
    "webauthn": ("crypto",),
    "jinja2": ("mail", "web.pages"),
    "joserfc": ("core.keys", "crypto"),
    "maxminddb": ("observe.places",),
    "pydantic": ("fastapi", "server"),
    "pydantic_settings": ("server",),
    "pytest": ("testing",),
    "rich": ("cli",),
    "segno": ("web.pages",),
    "sqlite3": ("stores.sql",),
    "starlette": ("fastapi", "starlette", "web", "server", "embed", "cli.demo"),
    "structlog": ("cli", "server"),
    "tomlkit": ("server",),
    "uvicorn": ("cli", "server"),
    "uvloop": ("server",),
}
"""Third party (and sqlite3) → the only rooms that may import it, checks of types excepted."""


def third_party_imports(tree: ast.AST) -> Iterator[str]:
    """Gives the top name of every import in a module that is not of the standard library and not ours."""
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        for name in names:
            top = name.split(".")[0]
            if top == "sqlite3" or (top != OURS and top not in sys.stdlib_module_names):
                yield top


def homeless(name: str, tree: ast.AST, homes: dict[str, tuple[str, ...]]) -> list[str]:
    """Gives the third parties that a module imports without being one of their homes."""
    room = name.removeprefix(f"{OURS}.")
    return sorted(
        {
            top
            for top in third_party_imports(tree)
            if not any(room == home or room.startswith(f"{home}.") for home in homes.get(top, ()))
        }
    )


def test_imports_point_down_the_house() -> None:
    """No room imports a room above it, and a verifier cannot name a move, an account or a store."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as run; run()",
            "--no-logo",
            "--no-cache",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", modules(), ids=module_name)
def test_each_third_party_stays_in_its_rooms(path: Path) -> None:
    """Only the rooms that are made for a library import it, so that it can be replaced in one place."""
    assert homeless(module_name(path), ast.parse(path.read_text()), HOMES) == []


def test_a_library_in_the_wrong_room_is_found() -> None:
    """The check above notices a library outside its home, and one that has no home at all."""
    tree = ast.parse("import sqlite3\nfrom left_pad import pad\nimport json\n")
    assert homeless("tallystick.authority.refresh", tree, HOMES) == ["left_pad", "sqlite3"]
    assert homeless("tallystick.stores.sql.sqlite", tree, HOMES) == ["left_pad"]
