"""Passkeys, with an authenticator that the browser plays."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.watching import Watched, new_person, watched
from tests.support.processes import PASSWORD, Server

pytestmark = pytest.mark.process


def with_authenticator(page: Watched) -> tuple[Any, str]:
    """Gives the page a built-in authenticator that knows its user; gives how to talk to it."""
    session = page.page.context.new_cdp_session(page.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


def add_passkey(page: Watched, name: str) -> None:
    """Adds a passkey on the account page; for the first one, recovery codes are shown."""
    page.go("/account/passkeys/new")
    page.fill(name=name)
    page.page.click("#create")
    page.page.wait_for_selector("#kept, #passkeys")


def test_a_passkey_signs_in_alone_and_as_the_second_proof(server: Server, browser: Browser) -> None:
    """A passkey is added, signs in without a password, is asked for after one, confirms a step-up, and is removed."""
    email = new_person(server)
    with watched(browser, server.issuer) as page:
        with_authenticator(page)
        page.sign_in(email, PASSWORD)
        add_passkey(page, "Ada's <b>laptop</b>")
        assert page.says("Your recovery codes")
        page.press("kept")
        assert page.says("The passkey is added.")
        assert page.page.locator("#passkeys .name").inner_text() == "Ada's <b>laptop</b>"
        page.keep("account-passkey")
        assert page.barriers() == []
        page.press("nav-sign-out")

        page.page.click("#use-passkey")
        page.page.wait_for_url("**/account")
        assert page.says(email)
        page.press("nav-sign-out")

        page.sign_in(email, PASSWORD)
        page.keep("sign-in-proof-passkey")
        assert page.barriers() == []
        page.page.click("#use-passkey")
        page.page.wait_for_url("**/account")

        page.go("/step-up?next=%2Faccount%2Fpassword")
        page.press("confirm")
        page.page.click("#use-passkey")
        page.page.wait_for_url("**/account/password")
        page.go("/account")
        page.press("passkey-remove-1")
        assert page.page.inner_text("#passkey-name") == "Ada's <b>laptop</b>"
        page.press("remove")
        assert page.path == "/account?done=passkey-removed"


def test_a_passkey_that_nobody_uses_is_told_in_words(server: Server, browser: Browser) -> None:
    """When the person does not confirm, the page says so and the button works again."""
    with watched(browser, server.issuer) as page:
        session, authenticator = with_authenticator(page)
        session.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
        page.go("/sign-in")
        page.page.click("#use-passkey")
        page.page.wait_for_selector("#passkey-alert:not([hidden])", timeout=20_000)
        assert page.page.is_enabled("#use-passkey")


def test_the_script_works_where_the_browser_cannot_read_json_itself(server: Server, browser: Browser) -> None:
    """Without parseCreationOptionsFromJSON and toJSON the script translates by itself."""
    email = new_person(server)
    with watched(browser, server.issuer) as page:
        with_authenticator(page)
        page.page.add_init_script(
            "delete PublicKeyCredential.parseCreationOptionsFromJSON;"
            "delete PublicKeyCredential.parseRequestOptionsFromJSON;"
            "PublicKeyCredential.prototype.toJSON = undefined;"
        )
        page.sign_in(email, PASSWORD)
        add_passkey(page, "Old browser")
        page.press("kept")
        page.press("nav-sign-out")
        page.page.click("#use-passkey")
        page.page.wait_for_url("**/account")


def test_without_a_script_passkeys_are_not_offered(server: Server, browser: Browser) -> None:
    """The button is not shown where it could not work, and the page that adds one says what is missing."""
    email = new_person(server)
    with watched(browser, server.issuer, script=False) as page:
        page.go("/sign-in")
        assert not page.page.is_visible("#use-passkey")
        page.sign_in(email, PASSWORD)
        page.go("/account/passkeys/new")
        assert not page.page.is_visible("#create")
        assert page.says("when JavaScript is switched on")
