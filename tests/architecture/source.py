"""Where the source lies, and how the tests of this folder name it."""

from __future__ import annotations

from pathlib import Path

OURS = "tallystick"
ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / OURS
TESTS = ROOT / "tests"


def modules(*rooms: str) -> list[Path]:
    """Gives the files of the named rooms (such as "core"), or of all rooms when none is named."""
    if not rooms:
        return sorted(SOURCE.rglob("*.py"))
    return sorted(path for room in rooms for path in (SOURCE / room).rglob("*.py"))


def module_name(path: Path) -> str:
    """Gives the dotted name of a source file."""
    return ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")


def lines(path: Path) -> int:
    """Counts the lines of a file."""
    return len(path.read_text().splitlines())
