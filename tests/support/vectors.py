"""The published vectors of `spec/vectors`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parents[2] / "spec" / "vectors"


def vectors(name: str) -> dict[str, Any]:
    """Gives the content of a file of vectors."""
    content = json.loads((_FOLDER / f"{name}.json").read_text())
    assert isinstance(content, dict)
    return content
