"""The pages of the documentation, their fenced blocks, headings and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNNABLE = "<!-- runnable -->"
_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,})(?P<info>.*)$")
_HEADING = re.compile(r"^#{1,6} +(?P<text>.+?) *#*$")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_DROPPED = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the page and line where it begins, its language, its text, and whether a test runs it."""

    page: Path
    line: int
    language: str
    text: str
    runnable: bool

    @property
    def name(self) -> str:
        """Says where the block stands."""
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


def pages() -> list[Path]:
    """Gives every page that a reader may open, the front page first."""
    top = [path for path in sorted(ROOT.glob("*.md")) if path.name != "README.md"]
    nested = [
        path
        for folder in ("docs", "spec", "changes", "tests", "examples", "deploy")
        for path in (ROOT / folder).rglob("*.md")
    ]
    return [ROOT / "README.md", *top, *sorted(nested)]


def blocks(page: Path, text: str) -> Iterator[Block]:
    """Gives the fenced blocks of a page, without their indentation."""
    fence, start, language, inside, before, runnable = "", 0, "", list[str](), "", False
    for number, line in enumerate(text.splitlines(), 1):
        match = _FENCE.match(line)
        if match and not fence:
            fence, start, language = match["indent"] + match["ticks"], number, match["info"].strip().split(" ")[0]
            inside, runnable = [], before.strip() == RUNNABLE
        elif match and line.startswith(fence) and not match["info"].strip():
            yield Block(page, start, language, "\n".join(inside) + "\n", runnable)
            fence = ""
        elif fence:
            indent = len(fence) - len(fence.lstrip())
            inside.append(line[indent:])
        before = line or before
    if fence:
        raise ValueError(f"{page}:{start}: the fence is never closed")


def prose(text: str) -> str:
    """Gives a page without its fenced blocks, comments and code spans."""
    kept, fence = [], ""
    for line in text.splitlines():
        match = _FENCE.match(line)
        if match and not fence:
            fence = match["ticks"]
        elif match and line.strip().startswith(fence):
            fence = ""
        elif not fence:
            kept.append(line)
    return re.sub(r"`[^`\n]*`", "", re.sub(r"<!--.*?-->", "", "\n".join(kept), flags=re.DOTALL))


def anchors(text: str) -> set[str]:
    """Gives the anchors that the headings of a page have, as GitHub and the site builder spell them."""
    found = set()
    for line in re.sub(r"^(`{3,}|~{3,}).*?^\1", "", text, flags=re.DOTALL | re.MULTILINE).splitlines():
        if match := _HEADING.match(line):
            found.add(_DROPPED.sub("", match["text"].lower()).replace(" ", "-"))
    return found


def links(text: str) -> list[str]:
    """Gives the targets of the links in a page's prose that lead inside the repository."""
    targets = (match["target"] for match in _LINK.finditer(prose(text)))
    return [target for target in targets if not re.match(r"[a-z][a-z0-9+.-]*:", target)]
