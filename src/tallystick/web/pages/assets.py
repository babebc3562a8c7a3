"""The files that pages name: read once, called by their content's hash, so that a browser may keep them for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from tallystick.web.call import Call, Fields, Handler, Reply

FOLDER = Path(__file__).parent / "assets"
KEPT: Fields = (
    (b"cache-control", b"public, max-age=31536000, immutable"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}


class Assets:
    """The files, by the name that a template says.

    Args:
        base: the path of the issuer.
        folders: where to look, the first that has a file wins.
    """

    def __init__(self, base: str, folders: Iterable[Path] = (FOLDER,)) -> None:
        self.urls: dict[str, str] = {}
        """Name → path with the hash, such as `style.css` → `/assets/style.1f2e3d4c5b6a7988.css`."""
        self.table: dict[str, dict[str, Handler]] = {}
        """Path below the issuer's → method → handler."""
        for name, file in _found(folders).items():
            content = file.read_bytes()
            path = f"/assets/{file.stem}.{hashlib.sha256(content).hexdigest()[:16]}{file.suffix}"
            self.urls[name] = base + path
            self.table[path] = {"GET": _handler(Reply(200, (*KEPT, (b"content-type", _TYPES[file.suffix])), content))}


def _found(folders: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.iterdir()):
            if file.suffix in _TYPES and file.is_file():
                found.setdefault(file.name, file)
    return found


def _handler(reply: Reply) -> Handler:
    async def show(call: Call) -> Reply:
        return reply

    return show
