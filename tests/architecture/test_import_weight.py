"""A service that only verifies does not load the rest of the house."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.architecture.source import OURS, ROOT

ALLOWED_OURS = ("errors", "core", "http", "session_source", "verifier")
FORBIDDEN_OURS = ("core.session",)
ALLOWED_THIRD_PARTIES = {"cryptography", "joserfc", "_cffi_backend", "cffi", "_openssl"}


def loaded_by(statement: str) -> set[str]:
    """Gives the modules that a statement adds to those of a bare interpreter."""
    program = (
        f"import json, sys\nold = set(sys.modules)\n{statement}\nprint(json.dumps(sorted(set(sys.modules) - old)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    return set(json.loads(done.stdout))


def below(name: str, rooms: tuple[str, ...]) -> bool:
    """Tells whether one of our modules lies in one of the named rooms."""
    room = name.removeprefix(f"{OURS}.")
    return any(room == allowed or room.startswith(f"{allowed}.") for allowed in rooms)


def test_a_verifier_loads_only_what_it_needs() -> None:
    """Importing the verifier loads the core without its moves, and no third party but two."""
    names = loaded_by(f"import {OURS}.verifier")
    ours = {name for name in names if name.startswith(f"{OURS}.")}
    assert ours, "nothing of ours was loaded, so nothing was measured"
    assert {name for name in ours if not below(name, ALLOWED_OURS) or below(name, FORBIDDEN_OURS)} == set()
    tops = {name.split(".")[0] for name in names} - sys.stdlib_module_names - {OURS}
    assert tops - ALLOWED_THIRD_PARTIES == set()


def test_the_package_itself_loads_nothing() -> None:
    """`import tallystick` costs nothing: each name is loaded when it is used first."""
    names = loaded_by(f"import {OURS}")
    assert {name for name in names if name.startswith(f"{OURS}.")} == set()
    assert {name.split(".")[0] for name in names} - sys.stdlib_module_names == {OURS}


def test_a_heavy_import_is_found() -> None:
    """The measurement sees a library that a statement loads."""
    assert "click" in loaded_by("import click")
