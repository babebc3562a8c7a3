"""What people do, from the keyboard alone and without JavaScript."""

from __future__ import annotations

import pyotp
import pytest
from playwright.sync_api import Browser

from tests.browser.watching import Watched, new_person, watched
from tests.support.processes import EMAIL, PASSWORD, Server

pytestmark = pytest.mark.process
SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])


def tab_to(page: Watched, control: str) -> None:
    """Goes to a control by the tab key alone."""
    for _ in range(30):
        if page.page.evaluate("() => document.activeElement.id") == control:
            return
        page.page.keyboard.press("Tab")
    raise AssertionError(f"{control} cannot be reached by the keyboard on {page.path}")


@SCRIPT
def test_signing_in_and_out_needs_no_mouse(server: Server, browser: Browser, script: bool) -> None:
    """From the first page to the account and out again with the keyboard alone."""
    with watched(browser, server.issuer, script=script) as page:
        page.go("/")
        tab_to(page, "email")
        page.page.keyboard.type(EMAIL)
        tab_to(page, "password")
        page.page.keyboard.type(PASSWORD)
        tab_to(page, "stay")
        page.page.keyboard.press("Space")
        tab_to(page, "sign-in")
        page.page.keyboard.press("Enter")
        page.page.wait_for_url("**/account")
        assert page.says(EMAIL)
        assert page.says("This session")
        assert page.page.context.cookies()[0]["expires"] > 0
        tab_to(page, "nav-sign-out")
        page.page.keyboard.press("Enter")
        page.page.wait_for_url("**/sign-in?done=signed-out")
        assert page.says("You are signed out.")
        page.go("/account")
        assert page.path == "/sign-in?next=%2Faccount"


@SCRIPT
def test_a_wrong_password_keeps_what_was_typed(server: Server, browser: Browser, script: bool) -> None:
    """The address stays, the password does not, the alert is announced, and the password has the focus."""
    with watched(browser, server.issuer, script=script) as page:
        page.expected = {401}
        page.go("/sign-in?next=%2Faccount%2Fpassword")
        page.fill(email=EMAIL, password="not the password of Ada")
        page.press("sign-in")
        assert page.page.input_value("#email") == EMAIL
        assert page.page.input_value("#password") == ""
        assert page.page.inner_text("[role=alert]") == "The e-mail address or the password is wrong."
        assert page.page.get_attribute("#password", "aria-describedby") == "alert"
        assert page.page.evaluate("() => document.activeElement.id") == "password"
        page.fill(password=PASSWORD)
        page.press("sign-in")
        assert page.path == "/account/password"


@SCRIPT
def test_signing_up_leads_to_signing_in(server: Server, browser: Browser, script: bool) -> None:
    """A new account is made by the form; what is wrong with a password is said at its field."""
    email = f"new-{script}@example.com".lower()
    with watched(browser, server.issuer, script=script) as page:
        page.expected = {409, 422}
        page.go("/sign-in")
        page.press("to-sign-up")
        page.fill(email=email, password="short")
        page.press("sign-up")
        assert page.page.get_attribute("#password", "aria-invalid") == "true"
        assert page.page.input_value("#email") == email
        page.fill(password=PASSWORD)
        page.press("sign-up")
        assert page.path == "/sign-in?done=signed-up"
        page.sign_in(email, PASSWORD)
        assert page.path == "/account"
        page.go("/sign-up")
        page.fill(email=email, password=PASSWORD)
        page.press("sign-up")
        assert page.page.get_attribute("#email", "aria-invalid") == "true"


@SCRIPT
def test_sessions_are_seen_and_ended_one_by_one_and_together(server: Server, browser: Browser, script: bool) -> None:
    """Each browser sees the others, marks itself, and ends one, all others, or all."""
    email = new_person(server)
    with (
        watched(browser, server.issuer, script=script) as one,
        watched(browser, server.issuer, script=script, size="phone") as two,
        watched(browser, server.issuer, script=script) as three,
    ):
        for each in (one, two, three):
            each.sign_in(email, PASSWORD)
        one.go("/account")
        rows = one.page.locator("#sessions > li")
        assert rows.count() == 3
        assert one.page.locator("#sessions > li[aria-current=true] .tag").inner_text() == "This session"
        assert one.says("Chrome on Linux")
        one.keep(f"account-three-sessions-{'script' if script else 'plain'}")
        rows.nth(1).locator("button").click()
        assert one.path == "/account?done=ended"
        one.press("end-others")
        assert one.path == "/account?done=ended-others"
        assert one.page.locator("#sessions > li").count() == 1
        for each in (two, three):
            each.go("/account")
            assert each.path.startswith("/sign-in")
        two.sign_in(email, PASSWORD)
        two.press("end-all")
        assert two.path == "/sign-in?done=ended-all"
        one.go("/account")
        assert one.path.startswith("/sign-in")


@SCRIPT
def test_changing_the_password_ends_every_other_session(server: Server, browser: Browser, script: bool) -> None:
    """The browser that changes it goes on; every other one is signed out, and only the new password works."""
    email, new = new_person(server), "another stick of hazel, split in two"
    with watched(browser, server.issuer, script=script) as one, watched(browser, server.issuer) as two:
        one.expected = two.expected = {401, 422}
        one.sign_in(email, PASSWORD)
        two.sign_in(email, PASSWORD)
        one.press("change-password")
        one.fill(old="not my password at all", new=new)
        one.press("save")
        assert one.page.get_attribute("#old", "aria-invalid") == "true"
        one.fill(old=PASSWORD, new="short")
        one.press("save")
        assert one.page.get_attribute("#new", "aria-invalid") == "true"
        one.fill(old=PASSWORD, new=new)
        one.press("save")
        assert one.path == "/account?done=password"
        two.go("/account")
        assert two.path.startswith("/sign-in")
        two.sign_in(email, PASSWORD)
        assert two.says("is wrong")
        two.sign_in(email, new)
        assert two.path == "/account"


@SCRIPT
def test_an_app_for_codes_is_set_up_and_asked_for(server: Server, browser: Browser, script: bool) -> None:
    """The QR page, the first code, the recovery codes once; then a code at sign-in and step-up, or a recovery code."""
    email = new_person(server)
    with watched(browser, server.issuer, script=script) as page:
        page.expected = {401}
        page.sign_in(email, PASSWORD)
        page.press("totp")
        page.press("begin")
        page.page.click("#by-hand-open")
        totp = pyotp.TOTP(page.page.inner_text("#secret").replace(" ", ""))
        page.fill(code="000000")
        page.press("confirm")
        assert page.page.get_attribute("#code", "aria-invalid") == "true"
        page.fill(code=totp.now())
        page.press("confirm")
        codes = page.page.locator("#codes li").all_inner_texts()
        assert len(codes) == len(set(codes)) >= 8
        page.keep(f"account-codes-{'script' if script else 'plain'}")
        assert page.barriers() == []
        page.press("kept")
        assert page.says("The authenticator app is set up.")
        page.press("nav-sign-out")

        page.sign_in(email, PASSWORD)
        assert page.path == "/sign-in"
        assert page.page.get_attribute("#code", "autocomplete") == "one-time-code"
        page.keep(f"sign-in-proof-{'script' if script else 'plain'}")
        assert page.barriers() == []
        page.fill(code="000000")
        page.press("send-code")
        assert page.page.get_attribute("#code", "aria-invalid") == "true"
        page.page.click("#recovery-open")
        page.fill(recovery_code=codes[0])
        page.press("send-recovery")
        assert page.path == "/account"
        assert page.page.inner_text("#codes-left") == f"{len(codes) - 1} left"

        page.go("/step-up?next=%2Faccount%2Frecovery-codes")
        page.press("confirm")
        page.page.click("#recovery-open")
        page.fill(recovery_code=codes[1])
        page.press("send-recovery")
        assert page.path == "/account/recovery-codes"
        page.press("renew")
        assert set(page.page.locator("#codes li").all_inner_texts()).isdisjoint(codes)
        page.go("/account/totp")
        page.press("remove")
        assert page.path == "/account?done=totp-off"


def test_an_error_is_a_page_for_people(server: Server, browser: Browser) -> None:
    """A page that is not there says so in words and leads back."""
    with watched(browser, server.issuer) as page:
        page.expected = {404}
        page.go("/nowhere?x=<script>alert(1)</script>")
        assert page.says("There is no page at this address.")
        page.press("start")
        assert page.path == "/sign-in"
