"""The shipped list of common and breached passwords: where it comes from is said in `data/README.md`.

The list is one text, sorted, and is searched by halving: it is a quarter of a megabyte in memory instead of four, and is
there only after the first new password was checked.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_NAME = "common_passwords.txt"


class CommonPasswords:
    """The passwords of a sorted text.

    Args:
        lines: in lower case, one a line, in the order of their bytes, each line ended by a newline.
    """

    __slots__ = ("_lines",)

    def __init__(self, lines: bytes) -> None:
        self._lines = lines

    def __contains__(self, password: object) -> bool:
        if not isinstance(password, str) or "\n" in password:
            return False
        wanted = password.encode("utf-8", "surrogatepass")
        low, high = 0, len(self._lines)
        while low < high:
            begin = self._lines.rfind(b"\n", low, (low + high) // 2) + 1 or low
            end = self._lines.index(b"\n", begin)
            found = self._lines[begin:end]
            if found == wanted:
                return True
            if found < wanted:
                low = end + 1
            else:
                high = begin
        return False

    def __len__(self) -> int:
        return self._lines.count(b"\n")


@cache
def common_passwords() -> CommonPasswords:
    """Gives the shipped list; it is read when it is first asked for, as a module would be."""
    return CommonPasswords((files("tallystick.identity") / "data" / _NAME).read_bytes())
