"""Where a page may send a browser: to paths of its own origin, and nowhere else."""

from __future__ import annotations

import re

NEXT_MAX = 1024
# Visible ASCII but the backslash, which browsers read as a slash: no blank, no tab and no line end, which they drop.
_PATH = re.compile(r"/(?!/)[\x21-\x5B\x5D-\x7E]*")


def own_path(text: str | None) -> str | None:
    """Gives a text back if, as a `Location`, it can only lead to a path of this origin; else None.

    Args:
        text: what came in `next`: a path, perhaps with query and fragment. A whole URL is refused, our own too.
    """
    if text is None or len(text) > NEXT_MAX or _PATH.fullmatch(text) is None:
        return None
    path = re.split(r"[?#]", text, maxsplit=1)[0]
    # A dot segment is resolved before the request is sent, and `/.//host` must not become `//host` anywhere.
    return None if "//" in path or "/./" in path or "/../" in path else text
