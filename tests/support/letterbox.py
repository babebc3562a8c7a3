"""A Mailer that keeps letters instead of sending them."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

from tallystick.core.secret import Secret
from tallystick.ports import Letter


class Letterbox:
    """Keeps what is posted."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.closed = False

    def post(self, letter: Letter) -> None:
        """Keeps a letter."""
        self.letters.append(letter)

    async def run(self) -> None:
        """Has nothing to deliver."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Has nothing left."""
        self.closed = True

    def kinds(self, to: str) -> list[str]:
        """Gives the kinds of the letters to an address, in order."""
        return [letter.kind for letter in self.letters if letter.to == to]

    def url(self, at: int = -1) -> str:
        """Gives the URL of the link in a letter, the last one that has a link by default."""
        linked = [letter.words["link"] for letter in self.letters if "link" in letter.words]
        link = linked[at]
        assert isinstance(link, Secret)
        return link.reveal()

    def link(self, at: int = -1) -> str:
        """Gives the value of the link in a letter."""
        return parse_qs(urlsplit(self.url(at)).query)["link"][0]
