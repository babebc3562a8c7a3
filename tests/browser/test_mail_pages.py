"""The pages that links in mails lead to, with a real SMTP server and a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.watching import watched
from tests.support.post_office import PostOffice
from tests.support.processes import ADDRESS, EMAIL, PASSWORD, Server, create_account

pytestmark = pytest.mark.process
NEW = "eight notches on an ashen stick"


@pytest.fixture(scope="module")
def office() -> Iterator[PostOffice]:
    """Where the mails arrive."""
    with PostOffice() as found:
        yield found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, office: PostOffice) -> Iterator[Server]:
    """A server that sends mail, with the account of Ada."""
    folder = tmp_path_factory.mktemp("server")
    environment = {
        "TALLYSTICK_MAIL__HOST": ADDRESS,
        "TALLYSTICK_MAIL__PORT": str(office.port),
        "TALLYSTICK_MAIL__SECURITY": "none",
        "TALLYSTICK_MAIL__SENDER": "notes@example.com",
    }
    with Server(folder, environment=environment) as started:
        create_account(folder, EMAIL)
        yield started


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_an_account_is_made_by_a_link_in_a_mail(
    server: Server, office: PostOffice, browser: Browser, script: bool
) -> None:
    """The form, the mail, its link, the password again, and the first sign-in."""
    email, before = f"{'with' if script else 'without'}@example.com", len(office.mails)
    with watched(browser, server.issuer, script=script, size="phone") as page:
        page.go("/sign-up")
        page.fill(email=email, password=PASSWORD)
        page.press("sign-up")
        assert page.says("Look into your mail")
        page.keep("sign-up-mail")
        assert page.barriers() == []
        link = office.wait(before + 1)[-1].link
        page.go(link.removeprefix(server.issuer))
        page.keep("verify")
        assert page.barriers() == []
        page.fill(password=PASSWORD)
        page.press("verify")
        assert page.path == "/sign-in?done=verified"
        page.sign_in(email, PASSWORD)
        assert page.path == "/account"


def test_a_forgotten_password_is_replaced_by_a_link_in_a_mail(
    server: Server, office: PostOffice, browser: Browser
) -> None:
    """From the sign-in page to a new password; the link works once."""
    before = len(office.mails)
    with watched(browser, server.issuer, scheme="dark") as page:
        page.expected = {400}
        page.go("/sign-in")
        page.press("forgot")
        page.keep("forgot")
        assert page.barriers() == []
        page.fill(email=EMAIL)
        page.press("send-link")
        link = office.wait(before + 1)[-1].link.removeprefix(server.issuer)
        page.go(link)
        page.keep("reset")
        assert page.barriers() == []
        page.fill(password=NEW)
        page.press("reset")
        assert page.path == "/sign-in?done=reset"
        page.sign_in(EMAIL, NEW)
        assert page.path == "/account"
        page.go(link)
        page.fill(password=PASSWORD)
        page.press("reset")
        assert page.says("does not work any more")
