"""What the account page says of devices, moments and sessions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.policy import DEFAULT
from tallystick.core.secret import Digest
from tallystick.core.session.model import AppHolder, BrowserHolder, Session
from tallystick.web.pages.account.model import session_list
from tallystick.web.pages.device import UNKNOWN, device_name
from tallystick.web.pages.headers import wants_page
from tallystick.web.pages.moments import ago, amount, day, iso

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
AGENTS = {
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/130.0.0.0 Safari/537.36": "Chrome on Windows",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0": "Edge on Windows",
    f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0": "Opera on Windows",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0": "Firefox on Linux",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15": (
        "Safari on a Mac"
    ),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
    "Mobile/15E148 Safari/604.1": "Safari on iPhone",
    "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/130.0 Mobile/15E148": (
        "Chrome on iPad"
    ),
    f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/130.0.0.0 Mobile Safari/537.36": "Chrome on Android",
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/130.0.0.0 Safari/537.36": "Chrome on a Chromebook",
    "Mozilla/5.0 (X11; Linux x86_64)": "A browser on Linux",
    "Mozilla/5.0": UNKNOWN,
    "curl/8.5.0": "curl",
    "python-httpx/0.27.0": "python-httpx",
    "Notes on the desk": "Notes on the desk",
    "": UNKNOWN,
    "<script>alert(1)</script>": UNKNOWN,
    '"><img src=x onerror=alert(1)>': UNKNOWN,
    "/etc/passwd": UNKNOWN,
}


@pytest.mark.parametrize("agent", AGENTS, ids=range(len(AGENTS)))
def test_a_device_has_a_name_that_its_owner_knows(agent: str) -> None:
    """Browser and system without versions; a program by its name; anything else is unknown."""
    assert device_name(agent) == AGENTS[agent]


@given(st.text(max_size=300))
def test_no_user_agent_makes_more_than_a_short_plain_name(agent: str) -> None:
    """Whatever a client says of itself, the name is short and has no sign that HTML knows."""
    name = device_name(agent)
    assert 0 < len(name) <= 60
    assert re.search(r"[<>\"'&\x00-\x1f]", name) is None


@pytest.mark.parametrize(
    ("passed", "words"),
    [(-5, "just now"), (0, "just now"), (59, "just now"), (60, "1 minute ago"), (3599, "59 minutes ago"),
     (7200, "2 hours ago"), (86400, "1 day ago"), (86400 * 45, "1 month ago"), (86400 * 800, "2 years ago")],
)  # fmt: skip
def test_a_moment_is_told_in_its_largest_unit(passed: int, words: str) -> None:
    """How long ago something was, in words that need no calculation."""
    assert ago(1_000_000_000, 1_000_000_000 + passed) == words


def test_a_wait_is_at_least_a_second_and_dates_are_written_out() -> None:
    """A wait is never nothing; dates are told in UTC."""
    assert (amount(0.2), amount(1), amount(30), amount(61)) == ("1 second", "1 second", "30 seconds", "1 minute")
    assert (iso(0), day(0)) == ("1970-01-01T00:00:00Z", "1 January 1970")


@pytest.mark.parametrize(
    ("fields", "page"),
    [
        ({}, False),
        ({b"accept": b"*/*"}, False),
        ({b"accept": b"application/json"}, False),
        ({b"accept": b"text/html,application/xhtml+xml,*/*;q=0.8"}, True),
        ({b"accept": b"text/html", b"sec-fetch-mode": b"cors"}, False),
        ({b"accept": b"*/*", b"sec-fetch-mode": b"navigate"}, True),
    ],
)
def test_people_get_pages_and_programs_get_json(fields: dict[bytes, bytes], page: bool) -> None:
    """A navigation wants a page; a script and a program do not."""
    assert wants_page(fields) is page


def session(number: int, *, active: int = 0, client: str = "", opened_from: int = 0, bound: bool = True) -> Session:
    """Builds a live session."""
    holder = AppHolder(ClientId(client), 0, 1, 0) if client else BrowserHolder(Digest.of(f"c{number}"))
    return Session(
        id=named(number), version=1, principal=PrincipalId.of(bytes(16)), holder=holder,
        opened_from=named(opened_from) if opened_from else None, bound=bound, scopes=frozenset(), resources=(),
        authentications=(), born=0, opened_at=active, active_at=active, clocks=DEFAULT.browser,
        label="curl/8", network="192.0.2.7",
    )  # fmt: skip


def named(number: int) -> SessionId:
    """Gives the id of a session."""
    return SessionId.of(bytes(15) + bytes([number]))


def test_what_was_opened_from_a_browser_is_beneath_it_and_offline_access_apart() -> None:
    """The own session is first, then the others by use; bound apps hang beneath, the rest are apps that stay."""
    found = session_list(
        [
            session(1, active=10),
            session(2, active=90),
            session(3, active=50),
            session(4, client="notes", opened_from=2),
            session(5, client="export", opened_from=2, bound=False),
            session(6, client="gone"),
        ],
        named(1),
        {ClientId("notes"): "Notes", ClientId("export"): "Export"},
        lambda network: f"near {network}",
    )
    assert [row.id for row in found.browsers] == [named(1), named(2), named(3)]
    assert [row.current for row in found.browsers] == [True, False, False]
    assert [row.name for row in found.browsers[1].beneath] == ["Notes"]
    assert sorted(row.name for row in found.apps) == ["An app", "Export"]
    assert found.browsers[0].place == "near 192.0.2.7"
    assert found.others


def test_a_person_alone_has_no_others() -> None:
    """With one session there is nothing else to end."""
    assert not session_list([session(1)], named(1), {}, str).others
