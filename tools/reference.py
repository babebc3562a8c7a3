"""Writes the generated pages of the reference from the code; with `--check` only says which page differs."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

from tallystick import errors

ROOT = Path(__file__).resolve().parent.parent
ERRORS_PAGE = ROOT / "docs" / "reference" / "errors.md"

_HEAD = """# Errors

*What does this code mean, and what should a client do about it?*

<!-- Written by `make docs` from src/tallystick/errors.py; a test compares. -->

Every error has a stable `code`, which is part of the public API: compare it, never the text. The public text may be
shown to anybody. Neither the text nor what goes to the log ever holds a secret.
"""


def error_classes() -> Iterator[type[errors.TallystickError]]:
    """Gives every error class that has a code, in the order of the source."""
    found = [
        cls
        for _, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, errors.TallystickError) and cls.code
    ]
    yield from sorted(found, key=lambda cls: inspect.getsourcelines(cls)[1])


def _section(cls: type[errors.TallystickError]) -> str:
    family = [base.__name__ for base in cls.__mro__[1:] if issubclass(base, errors.TallystickError)]
    meaning = " ".join((inspect.getdoc(cls) or "").split("\n\n", 1)[0].split())
    rows = [f"## {cls.code}", "", meaning, "", f"* class: `{' < '.join([cls.__name__, *family])}`"]
    if issubclass(cls, errors.OAuthError):
        rows.append(f"* on the wire: `{cls.error}`")
    if cls.default_public:
        rows.append(f"* public text: {cls.default_public}")
    return "\n".join(rows) + "\n"


def errors_page() -> str:
    """Gives the text of `docs/reference/errors.md`: one heading for each code."""
    return "\n".join([_HEAD, *(_section(cls) for cls in error_classes())])


def main() -> int:
    """Writes the pages, or with `--check` exits 1 if one differs from the code."""
    wanted = errors_page()
    there = ERRORS_PAGE.read_text() if ERRORS_PAGE.exists() else ""
    if wanted == there:
        return 0
    if "--check" in sys.argv[1:]:
        print(f"{ERRORS_PAGE.relative_to(ROOT)} differs from the code: type 'make docs'", file=sys.stderr)
        return 1
    ERRORS_PAGE.parent.mkdir(parents=True, exist_ok=True)
    ERRORS_PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
