"""Moves the fragments of `changes/` into `CHANGELOG.md` under a new version: `python tools/changelog.py 2026.12.0`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("security", "removed", "changed", "added", "fixed")
_NAME = re.compile(rf"[a-z0-9-]+\.({'|'.join(KINDS)})\.md")
_VERSION = re.compile(r"\d{4}\.\d{1,2}\.\d+")
_MARK = "<!-- new versions come below this line -->\n"


def fragments(folder: Path) -> dict[str, list[Path]]:
    """Gives the fragments of a folder by their kind; raises ValueError for a name that breaks the rule."""
    found: dict[str, list[Path]] = {kind: [] for kind in KINDS}
    for path in sorted(folder.glob("*.md")):
        if path.name == "README.md":
            continue
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path.name}: a fragment is named <a-few-words>.<{'|'.join(KINDS)}>.md")
        found[match.group(1)].append(path)
    return found


def section(version: str, found: dict[str, list[Path]]) -> str:
    """Gives the text of one version: a heading for each kind that has fragments, and a point for each fragment."""
    parts = [f"\n## {version}\n"]
    for kind, paths in found.items():
        if paths:
            points = ("* " + " ".join(path.read_text().split()) for path in paths)
            parts.append(f"\n### {kind.capitalize()}\n\n" + "\n".join(points) + "\n")
    return "".join(parts)


def main() -> int:
    """Assembles the changelog and removes the fragments; exits 2 on wrong use, 1 when there is nothing to move."""
    if len(sys.argv) != 2 or not _VERSION.fullmatch(sys.argv[1]):
        print("usage: make changelog VERSION=<year>.<month>.<number>", file=sys.stderr)
        return 2
    found = fragments(ROOT / "changes")
    if not any(found.values()):
        print("there is no fragment in changes/", file=sys.stderr)
        return 1
    page = ROOT / "CHANGELOG.md"
    head, mark, older = page.read_text().partition(_MARK)
    page.write_text(head + mark + section(sys.argv[1], found) + older)
    for paths in found.values():
        for path in paths:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
