"""A readable name for a device, from the User-Agent that its browser or program sent. Coarse on purpose, and pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

UNKNOWN = "An unknown device"
_BROWSERS: Sequence[tuple[str, str]] = (
    # The order decides: most browsers also say that they are Chrome and Safari.
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Sequence[tuple[str, str]] = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "a Chromebook"),
    ("Windows", "Windows"),
    ("Macintosh", "a Mac"),
    ("Mac OS X", "a Mac"),
    ("Linux", "Linux"),
)
_PROGRAM = re.compile(r"[A-Za-z][A-Za-z0-9 ._-]{0,38}(?=/|$)")


def device_name(agent: str) -> str:
    """Gives a name such as `Firefox on Windows` or `curl`; never the version, which helps nobody to recognise a device.

    Args:
        agent: the User-Agent, or any label; it may be anything, and the result is as harmless as its letters.
    """
    browser = _first(agent, _BROWSERS)
    system = _first(agent, _SYSTEMS)
    if agent.startswith("Mozilla/") or (browser and system):
        if browser and system:
            return f"{browser} on {system}"
        return browser or (f"A browser on {system}" if system else UNKNOWN)
    program = _PROGRAM.match(agent)
    return program[0].strip() if program else UNKNOWN


def _first(agent: str, table: Sequence[tuple[str, str]]) -> str:
    return next((name for sign, name in table if sign in agent), "")
