"""Every page, looked at in each light and size: nothing is broken, nothing shuts anybody out."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.watching import SIZES, Watched, watched
from tests.support.processes import EMAIL, PASSWORD, Server

pytestmark = pytest.mark.process
STRANGER = ("/sign-in", "/sign-up", "/nowhere")
OWN = ("/account", "/account/password", "/account/totp", "/account/passkeys/new", "/step-up", "/sign-out")


def look(page: Watched, path: str, name: str) -> None:
    """Looks at a page: its picture is kept, it is as wide as the window, and axe-core finds no barrier."""
    page.go(path)
    page.keep(f"{path.strip('/').replace('/', '-')}-{name}")
    assert not page.too_wide(), path
    assert page.barriers() == [], path
    assert page.page.title().endswith("· localhost")
    assert page.page.locator("h1").count() == 1, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_no_page_shuts_anybody_out(server: Server, browser: Browser, scheme: str, size: str) -> None:
    """Each page fits its window and has no serious finding of axe-core, light and dark, on a phone and on a desktop."""
    with watched(browser, server.issuer, scheme=scheme, size=size) as page:
        page.expected = {404, 401}
        for path in STRANGER:
            look(page, path, f"{scheme}-{size}")
        page.sign_in(EMAIL, "not the password of Ada")
        page.keep(f"sign-in-wrong-{scheme}-{size}")
        assert page.barriers() == []
        page.fill(password=PASSWORD)
        page.press("sign-in")
        assert page.path == "/account"
        for path in OWN:
            look(page, path, f"{scheme}-{size}")
        page.go("/account/totp")
        page.press("begin")
        page.keep(f"account-totp-offer-{scheme}-{size}")
        assert not page.too_wide()
        assert page.barriers() == []


def test_every_control_has_an_id_of_its_own(server: Server, browser: Browser) -> None:
    """Links, buttons and fields can be found by ids that stay, and no id comes twice on a page."""
    with watched(browser, server.issuer) as page:
        page.sign_in(EMAIL, PASSWORD)
        for path in (*STRANGER[:2], *OWN):
            page.go(path)
            nameless = page.page.eval_on_selector_all(
                "a, button, input:not([type=hidden]), summary",
                "all => all.filter(one => !one.id).map(one => one.outerHTML)",
            )
            assert nameless == [], path
            ids = page.page.eval_on_selector_all("[id]", "all => all.map(one => one.id)")
            assert len(ids) == len(set(ids)), path


def test_dark_is_dark_and_light_is_light(server: Server, browser: Browser) -> None:
    """The page follows what the system prefers."""
    lights = {}
    for scheme in ("light", "dark"):
        with watched(browser, server.issuer, scheme=scheme) as page:
            page.go("/sign-in")
            colour = page.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
            lights[scheme] = sum(int(part) for part in colour.removeprefix("rgb(").rstrip(")").split(","))
    assert lights["dark"] < 150 < 600 < lights["light"]


def test_a_password_may_be_pasted_and_kept_by_a_manager(server: Server, browser: Browser) -> None:
    """Password fields tell managers what they are, and nothing forbids pasting."""
    with watched(browser, server.issuer) as page:
        page.go("/sign-in")
        fields = {name: page.page.get_attribute(f"#{name}", "autocomplete") for name in ("email", "password")}
        assert fields == {"email": "username", "password": "current-password"}
        page.go("/sign-up")
        assert page.page.get_attribute("#password", "autocomplete") == "new-password"
        page.page.focus("#password")
        page.page.evaluate(
            "() => { const data = new DataTransfer(); data.setData('text/plain', 'x');"
            " const event = new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true});"
            " if (!document.activeElement.dispatchEvent(event)) throw new Error('pasting is forbidden'); }"
        )
