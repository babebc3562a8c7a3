"""The pages, byte by byte: what they answer, what they refuse, and what their headers forbid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tallystick.authority import errands
from tallystick.core.credentials.cookie import csrf_token_of
from tallystick.errors import Misconfigured, Unavailable
from tallystick.web import routes, standalone
from tallystick.web.pages.assets import FOLDER
from tests.integration.asgi import HTTPS, LOCAL, House, Reply, a_house
from tests.support.embedded import EMAIL, PASSWORD
from tests.support.letterbox import Letterbox
from tests.unit.web.test_page_paths import HOSTILE

OURS = ("origin", "https://notes.example")
SITE = ("sec-fetch-site", "same-origin")
NAVIGATION = ("accept", "text/html,*/*;q=0.8")
NEW = "eight notches on an ashen stick"
PAGES = ("/sign-in", "/sign-up", "/account", "/account/password", "/account/totp", "/account/passkeys/new", "/step-up",
         "/sign-out")  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An authority on https, with its pages."""
    with a_house(tmp_path, HTTPS) as found:
        yield found


@pytest.fixture
def box() -> Letterbox:
    """Where letters lie."""
    return Letterbox()


@pytest.fixture
def mailing(tmp_path: Path, box: Letterbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """An authority that sends mail."""
    monkeypatch.setattr(errands, "SPREAD_S", 0.0)
    with a_house(tmp_path, HTTPS, mailer=box) as found:
        yield found


def send(
    house: House, path: str, cookie: str = "", headers: tuple[tuple[str, str], ...] = (SITE,), **form: str
) -> Reply:
    """Sends a form as our own page does."""
    return house.ask("POST", path, headers, form=form, cookie=cookie)


def sign_in(house: House, password: str = PASSWORD) -> str:
    """Signs in by the page and gives the cookie."""
    reply = send(house, "/sign-in", email=EMAIL, password=password)
    assert reply.status == 303, reply.raw
    return next(value.split(";")[0] for value in cookies(reply) if "-device" not in value)


def cookies(reply: Reply) -> list[str]:
    """Gives what an answer sets."""
    return [value for name, value in reply.fields if name == "set-cookie"]


def hidden(reply: Reply, name: str = "csrf") -> str:
    """Gives the value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', reply.raw.decode())
    assert found is not None
    return found[1]


def test_the_start_leads_to_the_account_or_to_signing_in(house: House) -> None:
    """`/` sends whoever is signed in to the account, and others to sign in."""
    assert house.ask("GET", "/").headers["location"] == "/auth/sign-in"
    assert house.ask("GET", "/", cookie=sign_in(house)).headers["location"] == "/auth/account"


def test_every_page_has_the_headers_that_forbid_what_it_does_not_need(house: House) -> None:
    """A strict policy of content, no sniffing, no referrer, no frames, no other window, nothing stored, https for a year."""
    cookie = sign_in(house)
    for path in PAGES:
        reply = house.ask("GET", path, [NAVIGATION, SITE], cookie=cookie)
        assert reply.status == 200, path
        headers = reply.headers
        assert headers["content-security-policy"] == (
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["strict-transport-security"].startswith("max-age=31536000")
        text = reply.raw.decode()
        assert re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son[a-z]+=|javascript:", text) is None, path


def test_assets_are_named_by_their_content_and_kept_for_ever(house: House) -> None:
    """Every file that a page names is there, immutable, of its type; the style sheet has less than 12 kB."""
    page = house.ask("GET", "/sign-in").raw.decode()
    named = set(re.findall(r'(?:href|src)="/auth(/assets/[^"]+)"', page))
    assert len(named) == 3
    for path in named:
        reply = house.ask("GET", path)
        assert (reply.status, reply.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
        assert reply.headers["x-content-type-options"] == "nosniff"
    assert len((FOLDER / "style.css").read_bytes()) < 12_000


@pytest.mark.parametrize("to", HOSTILE, ids=ascii)
def test_no_page_leads_to_another_origin(house: House, to: str) -> None:
    """Whatever `next` says, a page goes on to a path of ours, and never repeats a `next` that is none."""
    shown = house.ask("GET", "/sign-in", query=f"next={quote(to)}")
    assert 'name="next"' not in shown.raw.decode()
    reply = send(house, "/sign-in", email=EMAIL, password=PASSWORD, next=to)
    assert (reply.status, reply.headers["location"]) == (303, "/auth/account")


def test_signing_in_goes_on_to_where_it_began(house: House) -> None:
    """A page that wants somebody sends to sign in and is shown after it, with its query."""
    asked = house.ask("GET", "/account/passkeys/remove", query="id=abc")
    assert asked.headers["location"] == "/auth/sign-in?next=%2Fauth%2Faccount%2Fpasskeys%2Fremove%3Fid%3Dabc"
    reply = send(house, "/sign-in", email=EMAIL, password=PASSWORD, next="/auth/account/password?x=1")
    assert reply.headers["location"] == "/auth/account/password?x=1"


def test_a_wrong_password_keeps_everything_but_itself(house: House) -> None:
    """401, the address is still there, the password is not, and nothing says which of the two was wrong."""
    wrong = send(house, "/sign-in", email=EMAIL, password="wrong one", stay="true", next="/x")
    nobody = send(house, "/sign-in", email="nobody@example.com", password="wrong one", stay="true", next="/x")
    for reply in (wrong, nobody):
        assert reply.status == 401
        text = reply.raw.decode()
        assert "wrong one" not in text
        assert " checked" in text
        assert 'value="/x"' in text
    assert wrong.raw.replace(EMAIL.encode(), b"") == nobody.raw.replace(b"nobody@example.com", b"")


@pytest.mark.parametrize("path", ["/sign-in", "/sign-up", "/sign-out", "/step-up", "/account/password",
                                  "/account/sessions/end-all", "/account/totp/begin"])  # fmt: skip
@pytest.mark.parametrize(
    "headers",
    [(("sec-fetch-site", "cross-site"),), (("sec-fetch-site", "same-site"),), (("origin", "https://evil.example"),),
     (("origin", "null"),), (), (("origin", "https://notes.example.evil.example"),)],
    ids=["cross-site", "same-site", "evil", "null", "silent", "prefix"],
)  # fmt: skip
def test_a_form_of_another_site_changes_nothing(house: House, path: str, headers: tuple[tuple[str, str], ...]) -> None:
    """Without Fetch Metadata or an Origin of ours, and without the hidden token, every form is 403."""
    cookie = sign_in(house)
    form = {"email": EMAIL, "password": PASSWORD, "old": PASSWORD, "new": NEW, "csrf": "x"}
    assert send(house, path, cookie, headers, **form).status == 403
    assert house.ask("GET", "/account", cookie=cookie).status == 200


def test_an_old_browser_proves_itself_by_the_hidden_field(house: House) -> None:
    """A browser that sends neither Fetch Metadata nor a telling Origin signs in, acts and signs out by the form's token."""
    for silent in ((), (("origin", "null"),)):
        page = house.ask("GET", "/sign-in", [NAVIGATION])
        (set_cookie,) = cookies(page)
        assert set_cookie.startswith("__Host-Http-ts-form=")
        assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(set_cookie.split("; "))
        form = set_cookie.split(";")[0]
        told = {"email": EMAIL, "password": PASSWORD, "csrf": hidden(page)}
        assert send(house, "/sign-in", "", silent, **told).status == 403
        assert send(house, "/sign-in", form, silent, **{**told, "csrf": csrf_token_of("x" * 22)}).status == 403
        signed = send(house, "/sign-in", form, silent, **told)
        assert signed.status == 303
        session = cookies(signed)[-1].split(";")[0]
        account = house.ask("GET", "/account", cookie=session)
        assert cookies(account) == []
        assert send(house, "/sign-out", session, silent, csrf="wrong").status == 403
        assert send(house, "/sign-out", session, silent, csrf=hidden(account)).status == 303


def test_a_browser_of_today_gets_no_cookie_for_a_form(house: House) -> None:
    """Fetch Metadata decides, so nothing is set before somebody signs in."""
    assert cookies(house.ask("GET", "/sign-in", [NAVIGATION, ("sec-fetch-site", "none")])) == []


def test_nothing_changes_by_following_a_link(house: House) -> None:
    """Every GET of a page leaves the account and its sessions as they were."""
    cookie = sign_in(house)
    account = house.do(house.authority.find_account(EMAIL))
    assert account is not None
    before = house.do(house.authority.head())
    for path in (
        *PAGES,
        "/",
        "/forgot",
        "/account/recovery-codes",
        "/account/totp/remove",
        "/account/sessions/end-all",
    ):
        house.ask("GET", path, [NAVIGATION], cookie=cookie)
        house.ask("HEAD", path, [NAVIGATION], cookie=cookie)
    assert house.do(house.authority.find_account(EMAIL)) == account
    assert house.do(house.authority.head()) == before
    assert len(house.do(house.authority.sessions_of(account.id))) == 1


def test_signing_out_takes_the_cookie_and_what_the_browser_kept(house: House) -> None:
    """The session ends, the cookie goes, and doing it again is told the same."""
    cookie = sign_in(house)
    for _ in range(2):
        reply = send(house, "/sign-out", cookie)
        assert (reply.status, reply.headers["location"]) == (303, "/auth/sign-in?done=signed-out")
        assert "Max-Age=0" in cookies(reply)[0]
        assert reply.headers["clear-site-data"] == '"cache", "storage"'
    assert house.ask("GET", "/account", cookie=cookie).status == 303


def test_only_ones_own_session_is_ended(house: House) -> None:
    """Another person's session, or one that is none, is not found, and goes on."""
    other = house.do(house.authority.create_account("eve@example.com", PASSWORD))
    theirs = send(house, "/sign-in", email="eve@example.com", password=PASSWORD)
    (session,) = house.do(house.authority.sessions_of(other.id))
    cookie = sign_in(house)
    for name in (str(session.id), "nothing", "", "<b>"):
        reply = send(house, "/account/sessions/end", cookie, (SITE, NAVIGATION), session=name)
        assert reply.status == 404
    assert house.ask("GET", "/account", cookie=cookies(theirs)[-1].split(";")[0]).status == 200


def test_changing_the_password_ends_offline_access_too(house: House) -> None:
    """Every session but the one that asks is over, an app's of its own as well."""
    client, _ = house.do(house.authority.create_client("notes", kind="native", first_party=True, scopes=["notes:read"]))
    house.do(house.authority.sign_in_app(EMAIL, PASSWORD, client_id=client.id, network="192.0.2.1"))
    other, cookie = sign_in(house), sign_in(house)
    assert "notes" in house.ask("GET", "/account", cookie=cookie).raw.decode()
    reply = send(house, "/account/password", cookie, old=PASSWORD, new=NEW)
    assert reply.headers["location"] == "/auth/account?done=password"
    account = house.do(house.authority.find_account(EMAIL))
    assert account is not None
    assert len(house.do(house.authority.sessions_of(account.id))) == 1
    assert house.ask("GET", "/account", cookie=other).status == 303
    assert house.ask("GET", "/account", cookie=cookies(reply)[-1].split(";")[0]).status == 200


def test_a_stale_session_is_asked_again_before_it_adds_a_factor(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes later, pages that add or remove a factor lead to step-up, and back after it."""
    cookie, clock = sign_in(house), house.authority.world.clock
    later = clock.now() + house.authority.policy.fresh_lifetime + 1
    monkeypatch.setattr(type(clock), "now", lambda _: later)
    for path in ("/account/totp", "/account/recovery-codes", "/account/passkeys/new"):
        reply = house.ask("GET", path, cookie=cookie)
        assert reply.headers["location"].startswith("/auth/step-up?next=%2F"), path
    assert "/step-up?" in send(house, "/account/totp/begin", cookie).headers["location"]
    assert "/step-up?" in send(house, "/account/sessions/end-others", cookie).headers["location"]
    refused = send(house, "/step-up", cookie, password="wrong")
    assert refused.status == 401
    again = send(house, "/step-up", cookie, password=PASSWORD, next="/auth/account/totp")
    assert again.headers["location"] == "/auth/account/totp"
    assert house.ask("GET", "/account/totp", cookie=cookies(again)[-1].split(";")[0]).status == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/nowhere", (), 404),
        ("PUT", "/account", (), 405),
        ("POST", "/sign-in", (("content-length", "70000"),), 413),
        ("POST", "/sign-in", (("content-type", "text/plain"), SITE), 415),
    ],
)
def test_an_error_is_a_page_for_people_and_json_for_programs(
    house: House, method: str, path: str, headers: tuple[tuple[str, str], ...], status: int
) -> None:
    """The same status; a navigation gets a page with all its headers, a program gets JSON."""
    page = house.ask(method, path, [*headers, NAVIGATION])
    assert (page.status, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert b'id="start"' in page.raw
    program = house.ask(method, path, headers)
    assert (program.status, program.headers["content-type"]) == (status, "application/json")
    assert program.headers.get("allow") == page.headers.get("allow")


def test_our_own_trouble_reveals_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 says that the mistake is ours and nothing else; 503 says when to come back."""

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret of the database")

    monkeypatch.setattr(type(house.authority), "sign_in", broken)
    reply = send(house, "/sign-in", headers=(SITE, NAVIGATION), email=EMAIL, password=PASSWORD)
    assert reply.status == 500
    assert b"secret" not in reply.raw
    assert b"RuntimeError" not in reply.raw

    async def away(*_: object, **__: object) -> None:
        raise Unavailable("the database is away", retry_after_s=7)

    monkeypatch.setattr(type(house.authority), "sign_in", away)
    reply = send(house, "/sign-in", headers=(SITE, NAVIGATION), email=EMAIL, password=PASSWORD)
    assert (reply.status, reply.headers["retry-after"]) == (503, "7")
    assert b"database" not in reply.raw


def test_too_many_attempts_say_how_long_to_wait(house: House) -> None:
    """429 with Retry-After; the form says the wait in words and keeps the address."""
    for _ in range(30):
        reply = send(house, "/sign-in", email=EMAIL, password="wrong one")
        if reply.status == 429:
            break
    assert reply.status == 429
    assert int(reply.headers["retry-after"]) >= 1
    assert re.search(r"Too many attempts\. Wait \d+ (second|minute)s?, then try again\.", reply.raw.decode())
    assert EMAIL in reply.raw.decode()


def test_a_manager_finds_the_page_that_changes_the_password(house: House) -> None:
    """`/.well-known/change-password` leads there, at the root of the host too."""
    whole = House(house.authority, house.runner, standalone(house.authority))
    for path in ("/.well-known/change-password", "/auth/.well-known/change-password"):
        reply = whole.ask("GET", path)
        assert (reply.status, reply.headers["location"]) == (303, "/auth/account/password")


def test_templates_and_assets_of_a_folder_come_first(house: House, tmp_path: Path) -> None:
    """A folder replaces single templates, may extend ours, and replaces the style sheet; a missing folder is refused."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "error.html").write_text(
        '{% extends "default/error.html" %}{% block foot %}Ask the porter: {{ code }}{% endblock %}'
    )
    (folder / "style.css").write_text("body{color:red}")
    mine = House(house.authority, house.runner, routes(house.authority, templates=folder))
    reply = mine.ask("GET", "/nowhere", [NAVIGATION])
    assert b"Ask the porter: 404" in reply.raw
    style = re.search(r'href="/auth(/assets/style[^"]+)"', reply.raw.decode())
    assert style is not None
    assert mine.ask("GET", style[1]).raw == b"body{color:red}"
    assert mine.ask("GET", "/sign-in").status == 200
    with pytest.raises(Misconfigured):
        routes(house.authority, templates=folder / "nothing")


def test_a_broken_template_of_an_error_still_tells_the_error(house: House, tmp_path: Path) -> None:
    """When the page of an error cannot be shown, the error is told in JSON, with its own status."""
    (tmp_path / "error.html").write_text("{{ nothing.at.all }}")
    mine = House(house.authority, house.runner, routes(house.authority, templates=tmp_path))
    reply = mine.ask("GET", "/nowhere", [NAVIGATION])
    assert (reply.status, reply.error) == (404, "not_found")


@pytest.mark.parametrize("path", ["/forgot", "/reset", "/verify"])
def test_without_a_mailer_there_are_no_pages_of_links(house: House, path: str) -> None:
    """What needs mail is neither offered nor there."""
    assert house.ask("GET", path, [NAVIGATION]).status == 404
    assert send(house, path, email=EMAIL).status == 404
    assert b"/forgot" not in house.ask("GET", "/sign-in").raw


def test_a_sign_up_with_a_mailer_looks_the_same_for_an_address_that_is_taken(mailing: House, box: Letterbox) -> None:
    """`Look into your mail` for both; the link opens a page that asks for the password, and a GET uses nothing up."""
    pages = [send(mailing, "/sign-up", email=email, password=NEW) for email in (EMAIL, "bob@example.com")]
    assert [page.status for page in pages] == [200, 200]
    assert pages[0].raw.replace(EMAIL.encode(), b"") == pages[1].raw.replace(b"bob@example.com", b"")
    mailing.do(mailing.authority.world.errands.done())
    link = box.link()
    for _ in range(2):
        shown = mailing.ask("GET", "/verify", query=f"link={link}")
        assert hidden(shown, "link") == link
    assert send(mailing, "/verify", link=link, password="another one entirely").status == 401
    done = send(mailing, "/verify", link=link, password=NEW)
    assert done.headers["location"] == "/auth/sign-in?done=verified"
    again = send(mailing, "/verify", link=link, password=NEW)
    assert (again.status, b"does not work any more" in again.raw) == (400, True)
    assert send(mailing, "/sign-in", email="bob@example.com", password=NEW).status == 303


def test_a_forgotten_password_is_replaced_by_a_link(mailing: House, box: Letterbox) -> None:
    """The answer tells nobody who has an account; the link sets a password, ends every session, and works once."""
    cookie = sign_in(mailing)
    assert b'id="forgot"' in mailing.ask("GET", "/sign-in").raw
    pages = [send(mailing, "/forgot", email=email) for email in (EMAIL, "nobody@example.com")]
    assert pages[0].raw.replace(EMAIL.encode(), b"") == pages[1].raw.replace(b"nobody@example.com", b"")
    mailing.do(mailing.authority.world.errands.done())
    link = box.link()
    shown = mailing.ask("GET", "/reset", query=f"link={link}")
    assert (shown.headers["referrer-policy"], hidden(shown, "link")) == ("no-referrer", link)
    assert send(mailing, "/reset", link=link, password="short").status == 422
    done = send(mailing, "/reset", link=link, password=NEW)
    assert done.headers["location"] == "/auth/sign-in?done=reset"
    assert mailing.ask("GET", "/account", cookie=cookie).status == 303
    assert send(mailing, "/reset", link=link, password=PASSWORD).status == 400
    assert mailing.ask("GET", "/reset").headers["location"] == "/auth/forgot"
    assert sign_in(mailing, NEW)


def test_pages_at_the_root_have_no_base(tmp_path: Path) -> None:
    """An issuer without a path has its pages at the root, and plain cookies on http://localhost."""
    with a_house(tmp_path, LOCAL) as house:
        assert house.ask("GET", "/").headers["location"] == "/sign-in"
        reply = send(house, "/sign-in", email=EMAIL, password=PASSWORD)
        assert reply.headers["location"] == "/account"
        assert cookies(reply)[-1].startswith("ts=")


def test_no_page_shows_what_it_should_not(house: House) -> None:
    """Neither the session cookie nor a digest of it is on a page."""
    cookie = sign_in(house)
    value = cookie.partition("=")[2]
    for path in PAGES:
        assert value not in house.ask("GET", path, cookie=cookie).raw.decode()
