"""The pages of administrators in Debian's Chromium: without scripts, light and dark, phone and desktop, by keyboard."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page

from tallystick import Authority, open_stores
from tallystick.identity.account import ADMIN_PERMISSION
from tallystick.web import standalone
from tests.browser.watching import SIZES, watched
from tests.support.embedded import PlainHasher

ROOT, WORDS = "root@example.com", "nine notches on a rowan stick"
ADA = "ada@example.com"
PATHS = ("", "/accounts", "/sessions", "/clients", "/endings", "/keys", "/events")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server in this process with an administrator, two people and a service."""
    folder = tmp_path_factory.mktemp("site")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    issuer = f"http://localhost:{port}"
    authority = Authority(issuer, open_stores("memory://"), root_key_file=folder / "root.key", hasher=PlainHasher())

    async def people() -> None:
        async with authority:
            await authority.create_account(ROOT, WORDS, permissions=frozenset({ADMIN_PERMISSION}))
            await authority.create_account(ADA, WORDS, permissions=frozenset({"notes:read"}))
            await authority.create_client("export of notes", kind="service", scopes=["notes:read"])
            for label in ("Firefox on Debian <script>", "Safari on iOS"):
                await authority.sign_in(ADA, WORDS, network="203.0.113.9", label=label)

    # A thread of its own: Playwright keeps a loop in this one.
    preparing = threading.Thread(target=asyncio.run, args=(people(),))
    preparing.start()
    preparing.join(20)
    server = uvicorn.Server(
        uvicorn.Config(standalone(authority), host="127.0.0.1", port=port, log_level="warning", ws="none")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)

    yield issuer
    server.should_exit = True
    thread.join(20)


def signed_in(browser: Browser, site: str, **more: Any) -> Page:
    """Gives a page of a browser in which the administrator is signed in, scripts off."""
    context = browser.new_context(java_script_enabled=False, base_url=site, **more)
    page = context.new_page()
    page.goto("/admin")
    page.locator("input[name=email]").fill(ROOT)
    page.locator("input[name=password]").fill(WORDS)
    page.locator("main form button").first.click()
    page.wait_for_url("**/admin")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", sorted(SIZES))
def test_no_page_shuts_anybody_out(browser: Browser, site: str, scheme: str, size: str) -> None:
    """axe-core finds nothing serious, no page is wider than the screen, and each has one heading. A picture is kept."""
    with watched(browser, site, scheme=scheme, size=size) as seen:
        seen.go("/admin")
        seen.fill(email=ROOT, password=WORDS)
        seen.press("sign-in")
        seen.go(f"/admin/accounts?q={ADA}")
        account = seen.page.locator("#accounts a").first.get_attribute("href")
        assert account is not None
        asked = [f"/admin{path}" for path in PATHS]
        asked += [account, f"/admin/sessions?q={ADA}", "/admin/act?what=key.revoke&id=key"]
        for number, path in enumerate(asked):
            seen.go(path)
            assert seen.page.locator("h1").count() == 1, path
            assert seen.barriers() == [], path
            assert not seen.too_wide(), path
            name = path.split("?")[0].strip("/").replace("/", "-")
            seen.keep(f"{name}-{number:02}-{scheme}-{size}")


def test_an_administrator_ends_a_session_by_keyboard_alone(browser: Browser, site: str) -> None:
    """Without a mouse and without scripts: find the person, open the form, say why, and see the ending."""
    page = signed_in(browser, site)
    page.goto("/admin/sessions")
    page.locator("#q").focus()
    page.keyboard.type(ADA)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/sessions?q=*")
    page.locator("#sessions a.button").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/act?*")
    page.locator("#because").focus()
    page.keyboard.type("laptop stolen")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/endings?*")
    assert "Done: end a session." in page.locator("#done").inner_text()
    row = page.locator("#endings tbody tr").first.inner_text()
    assert "laptop stolen" in row
    assert "everywhere" in row
    assert ROOT in row
    page.context.close()


def test_a_new_secret_is_shown_once(browser: Browser, site: str) -> None:
    """The secret of a client that is registered is on the page, and gone when the page is left."""
    page = signed_in(browser, site)
    page.goto("/admin/clients")
    page.locator("#name").fill("another service")
    page.locator("#kind").select_option("service")
    page.locator("#create-client").click()
    secret = page.locator("#secret").inner_text()
    assert secret.startswith("tss_")
    page.locator("#back").click()
    assert page.locator("#secrets").inner_text() == "1"
    assert secret not in page.content()
    page.context.close()
