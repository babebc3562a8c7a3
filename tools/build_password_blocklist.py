"""Builds the list of common passwords that tallystick ships, from the frequency list of zxcvbn.

    uv run --no-project --with zxcvbn==4.5.0 python tools/build_password_blocklist.py

The list is written in lower case, sorted by its bytes, one password a line, without duplicates; the same version of zxcvbn
gives the same bytes. Their SHA-256 is printed and stands in `src/tallystick/identity/data/README.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from hashlib import sha256
from importlib import import_module
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "src/tallystick/identity/data/common_passwords.txt"


def rendered(passwords: Iterable[str]) -> bytes:
    """Gives the text of the list; raises ValueError for a password that has a line end in it."""
    lines = sorted({password.casefold().encode() for password in passwords})
    if any(b"\n" in line or b"\r" in line or not line for line in lines):
        raise ValueError("a password that is empty or longer than one line")
    return b"".join(line + b"\n" for line in lines)


def main() -> int:
    """Writes the list and prints its size and digest."""
    lists = import_module("zxcvbn.frequency_lists").FREQUENCY_LISTS
    text = rendered(lists["passwords"])
    TARGET.write_bytes(text)
    count = text.count(b"\n")
    print(f"{TARGET.name}: {count} passwords, {len(text)} bytes, sha256 {sha256(text).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
