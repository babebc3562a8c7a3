"""A page that is watched: whatever it complains of, and whatever it lacks for people who cannot see or use a mouse, is found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Playwright

from tests.support.processes import Server, create_account

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / ".make" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
SCREENS = ROOT / "build" / "screens"
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SIZES: Mapping[str, tuple[int, int]] = {"phone": (390, 844), "desktop": (1200, 900)}
_STATUS = re.compile(r"Failed to load resource: the server responded with a status of (\d{3})")
_count = iter(range(1_000_000))


@dataclass
class Watched:
    """A page of a browser and everything that it complained of.

    Args:
        page: the page.
        base: the issuer.
        expected: statuses of answers that this test asks for on purpose.
        complaints: errors of the console, exceptions, violations of the content security policy.
        script: whether pages may run scripts.
    """

    page: Page
    base: str
    expected: set[int] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    script: bool = True

    def go(self, path: str) -> None:
        """Opens a path below the issuer."""
        self.page.goto(self.base + path)

    @property
    def path(self) -> str:
        """Where the page is, below the issuer, with its query."""
        return self.page.url.removeprefix(self.base)

    def fill(self, **values: str) -> None:
        """Types into fields by their ids."""
        for name, value in values.items():
            self.page.fill(f"#{name}", value)

    def press(self, control: str) -> None:
        """Clicks a control by its id, and waits for what it loads."""
        self.page.click(f"#{control}")
        self.page.wait_for_load_state()

    def says(self, text: str) -> bool:
        """Tells whether the page shows a text."""
        return text in self.page.inner_text("body")

    def sign_in(self, email: str, password: str) -> None:
        """Signs in by the form."""
        self.go("/sign-in")
        self.fill(email=email, password=password)
        self.press("sign-in")

    def hear(self, text: str) -> None:
        """Takes a complaint, unless it is about an answer that was asked for on purpose."""
        found = _STATUS.match(text)
        if found is None or int(found[1]) not in self.expected:
            self.complaints.append(text)

    def barriers(self) -> list[str]:
        """Gives what axe-core finds on the page that is serious or critical; it needs scripts."""
        if not self.script:
            return []
        assert AXE.exists(), f"{AXE} is missing: type 'make .make/browser'"
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = self.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {json.dumps([node['html'] for node in one['nodes']])}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]

    def too_wide(self) -> bool:
        """Tells whether the page has to be scrolled sideways."""
        script = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
        return bool(self.page.evaluate(script))

    def keep(self, name: str) -> None:
        """Keeps a picture of the page under build/screens."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENS / f"{name}.png", full_page=True, animations="disabled")


@contextmanager
def watched(
    browser: Browser, base: str, *, script: bool = True, scheme: str = "light", size: str = "desktop"
) -> Iterator[Watched]:
    """Gives a page in a browser of its own, without cookies; in the end it must not have complained of anything."""
    width, height = SIZES[size]
    context = browser.new_context(
        java_script_enabled=script,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
    )
    context.set_default_timeout(15_000)
    found = Watched(context.new_page(), base, script=script)
    found.page.on("console", lambda message: found.hear(message.text) if message.type == "error" else None)
    found.page.on("pageerror", lambda error: found.hear(str(error)))
    try:
        yield found
        assert found.complaints == []
    finally:
        context.close()


def launch(playwright: Playwright) -> Browser:
    """Starts the Chromium of the system; that it is missing is a failure."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)


def new_person(server: Server) -> str:
    """Makes an account with the usual password and gives its address."""
    email = f"person{next(_count)}@example.com"
    create_account(server.folder, email)
    return email


__all__ = ["SIZES", "Watched", "launch", "new_person", "watched"]
