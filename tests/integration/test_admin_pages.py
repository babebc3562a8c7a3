"""The pages of `/admin` over HTTP: who gets in, what each act does, and that it is recorded."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tallystick.authority import jobs
from tallystick.core.ids import PrincipalId
from tallystick.identity.account import ADMIN_PERMISSION, Account
from tallystick.oauth.client import Client
from tallystick.observe.places import GeoPlaces
from tallystick.web.pages.admin.acts import ACTS
from tests.integration.asgi import House, a_house
from tests.support.administering import ORIGIN, ROOT, ROOT_PASSWORD, Administrator
from tests.support.embedded import EMAIL, PASSWORD
from tests.support.mmdb import city, write_places

PAGES = ("", "/accounts", "/sessions", "/clients", "/endings", "/keys", "/events")
FORMS = ("/admin/act", "/admin/accounts", "/admin/clients")
NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\r\nSet-Cookie: a=b"


class Ahead:
    """The system's clock, put forward."""

    def __init__(self) -> None:
        self.by = 0

    def now(self) -> int:
        """Gives the wall clock."""
        return int(time.time()) + self.by

    def boot(self) -> float:
        """Gives the boot clock, which stays as it is."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)


@pytest.fixture
def clock() -> Ahead:
    """A clock that a test can put forward."""
    return Ahead()


@pytest.fixture
def house(tmp_path: Path, clock: Ahead) -> Iterator[House]:
    """A running authority with one account."""
    with a_house(tmp_path, clock=clock) as running:
        yield running


@pytest.fixture
def admin(house: House) -> Administrator:
    """An administrator who has just signed in."""
    return Administrator(house)


@pytest.fixture
def ada(house: House, admin: Administrator) -> Account:
    """Somebody else."""
    found = house.do(house.authority.find_account(EMAIL))
    assert found is not None
    return found


def account(house: House, principal: PrincipalId) -> Account:
    """Gives an account as it is now."""
    found = house.do(house.authority.find_account(str(principal)))
    assert found is not None
    return found


def service(house: House) -> tuple[Client, str]:
    """Registers a service."""
    client, secret = house.do(house.authority.create_client("export", kind="service", scopes=["notes:read"]))
    assert secret is not None
    return client, secret.reveal()


# ── who gets in ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", PAGES)
def test_an_administrator_sees_each_page(admin: Administrator, path: str) -> None:
    """Every page is HTML under a strict policy that allows no script at all, and is never stored."""
    reply = admin.look(f"/admin{path}")
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "unsafe" not in reply.headers["content-security-policy"]
    assert reply.headers["content-security-policy"].startswith("default-src 'none'")
    assert reply.headers["cache-control"] == "no-store"
    assert b"<script" not in reply.raw
    assert b" style=" not in reply.raw


@pytest.mark.parametrize(
    "path", [f"/admin{path}" for path in PAGES] + ["/admin/act", "/admin/account", "/admin/client"]
)
def test_whoever_is_not_signed_in_is_sent_to_sign_in(house: House, path: str) -> None:
    """Without a session each page leads to the sign-in, and back."""
    reply = house.ask("GET", path)
    assert reply.status == 303
    assert reply.headers["location"].startswith("/sign-in?next=%2Fadmin")


@pytest.mark.parametrize(
    "path", [f"/admin{path}" for path in PAGES] + ["/admin/act", "/admin/account", "/admin/client"]
)
def test_whoever_is_no_administrator_sees_no_page(house: House, path: str) -> None:
    """Without the permission each page is refused in the same way, whatever it would show."""
    reply = house.ask("GET", path, cookie=house.sign_in().cookie)
    assert (reply.status, b"scope.insufficient" in reply.raw or b"insufficient" in reply.raw) == (403, True)


@pytest.mark.parametrize("path", FORMS)
def test_whoever_is_no_administrator_does_nothing(house: House, ada: Account, path: str) -> None:
    """Without the permission each act is refused, and that it was tried is recorded."""
    cookie = house.sign_in().cookie
    form = {
        "what": "account.disable",
        "id": str(ada.id),
        "because": "x",
        "email": "x@example.com",
        "password": "y" * 20,
    }
    assert house.ask("POST", path, ORIGIN, cookie=cookie, form=form).status == 403
    house.do(jobs.flush_trail(house.authority.world))
    denied = house.do(house.authority.acts(ada.id, limit=1))[0]
    assert (denied.name, denied.principal, denied.network) == ("access.denied", str(ada.id), "192.0.2.1")
    assert account(house, ada.id).enabled


def test_an_access_token_of_an_administrator_opens_no_page(house: House, admin: Administrator) -> None:
    """The pages are for a browser: a token, which may have been handed on, is refused."""
    token = house.ask("POST", "/session/access-token", cookie=admin.cookie, csrf=admin.csrf).body["access_token"]
    assert house.ask("GET", "/admin", bearer=token).status == 403


def test_a_permission_that_was_withdrawn_counts_at_the_next_request(house: House, admin: Administrator) -> None:
    """An administrator who is none any more sees nothing more."""
    assert admin.look("/admin").status == 200
    house.do(house.authority.withdraw(admin.id, ADMIN_PERMISSION))
    assert admin.look("/admin").status == 403


@pytest.mark.parametrize("path", FORMS)
def test_a_form_of_another_site_does_nothing(house: House, admin: Administrator, ada: Account, path: str) -> None:
    """No act is done for a page of another site, nor without the token of our own form."""
    form = {"what": "account.disable", "id": str(ada.id), "because": "x", "name": "x", "kind": "web"}
    other = admin.send(path, form, headers=(("sec-fetch-site", "cross-site"),))
    without = house.ask("POST", path, ORIGIN, cookie=admin.cookie, form=form)
    wrong = house.ask("POST", path, ORIGIN, cookie=admin.cookie, form={**form, "csrf": "x"})
    assert [reply.status for reply in (other, without, wrong)] == [403, 403, 403]
    assert account(house, ada.id).enabled


@pytest.mark.parametrize("what", sorted(ACTS))
def test_an_act_needs_a_proof_of_a_moment_ago(house: House, admin: Administrator, clock: Ahead, what: str) -> None:
    """After the fresh time every act leads to the step-up, and back to its own form; nothing is done."""
    clock.by = house.authority.policy.fresh_lifetime + 1
    reply = admin.act(what, "x", permission="notes:read", confirm="true")
    assert reply.status == 303
    assert reply.headers["location"] == f"/step-up?next=%2Fadmin%2Fact%3Fwhat%3D{what}%26id%3Dx"
    assert admin.look("/admin/keys").status == 200


@pytest.mark.parametrize("path", ["/admin/accounts", "/admin/clients"])
def test_creating_needs_a_proof_of_a_moment_ago(house: House, admin: Administrator, clock: Ahead, path: str) -> None:
    """So do the forms that create something."""
    clock.by = house.authority.policy.fresh_lifetime + 1
    reply = admin.send(path, {"email": "x@example.com", "password": "y" * 20, "name": "x", "kind": "web"})
    assert reply.headers["location"] == f"/step-up?next={path.replace('/', '%2F')}"
    assert house.do(house.authority.find_account("x@example.com")) is None


# ── what each act does ───────────────────────────────────────────────────────────────────────────────────────────


def recorded(admin: Administrator, name: str) -> Any:
    """Gives the newest entry of a name; it says who, from where and why."""
    found = next(entry for entry in admin.trail() if entry.name == name)
    assert (found.actor, found.network, found.because) == (str(admin.id), "192.0.2.1", "a test asked for it")
    assert found.request
    return found


def test_an_account_is_disabled_and_enabled(house: House, admin: Administrator, ada: Account) -> None:
    """Disabling ends the account's sessions; enabling lets its owner sign in again."""
    cookie = house.sign_in().cookie
    reply = admin.act("account.disable", str(ada.id))
    assert reply.status == 303
    assert reply.headers["location"] == f"/admin/account?id={ada.id}&done=account.disable"
    assert b"Done: disable an account." in admin.look("/admin/account", f"id={ada.id}&done=account.disable").raw
    assert not account(house, ada.id).enabled
    assert house.ask("GET", "/session", cookie=cookie).status == 401
    assert recorded(admin, "account.disabled").principal == str(ada.id)
    assert admin.act("account.enable", str(ada.id)).status == 303
    assert account(house, ada.id).enabled
    recorded(admin, "account.enabled")
    assert house.sign_in().status == 200


def test_permissions_are_granted_and_withdrawn(house: House, admin: Administrator, ada: Account) -> None:
    """A permission can be given and taken."""
    assert admin.act("account.grant", str(ada.id), permission="notes:write").status == 303
    assert "notes:write" in account(house, ada.id).permissions
    assert dict(recorded(admin, "account.permitted").facts) == {"granted": "true", "permission": "notes:write"}
    assert admin.act("account.withdraw", str(ada.id), permission="notes:write").status == 303
    assert "notes:write" not in account(house, ada.id).permissions
    assert admin.act("account.grant", str(ada.id), permission="no permission").status == 400


def test_a_session_of_anybody_is_ended(house: House, admin: Administrator, ada: Account) -> None:
    """An ending says who confirmed it, and the page of endings shows that, who asked, and why."""
    signed = house.sign_in()
    session = signed.body["session"]["id"]
    page = admin.look("/admin/sessions", f"q={EMAIL}").raw.decode()
    assert f"id=&#34;{session}" in page or session in page
    assert admin.act("session.end", session, strength="everywhere").status == 303
    assert house.ask("GET", "/session", cookie=signed.cookie).status == 401
    entry = recorded(admin, "session.ended")
    assert (entry.session, entry.principal) == (session, str(ada.id))
    endings = admin.look("/admin/endings").raw.decode()
    row = next(row for row in endings.split("<tr>") if session in row)
    assert "everywhere" in row
    assert "1 confirmed" in row
    assert ROOT in row
    assert "a test asked for it" in row


def test_all_sessions_of_an_account_are_ended(house: House, admin: Administrator, ada: Account) -> None:
    """Its owner is signed out everywhere and can sign in again; the log keeps the strength that was asked for."""
    cookie = house.sign_in().cookie
    assert admin.act("account.end", str(ada.id), strength="logged").status == 303
    assert house.ask("GET", "/session", cookie=cookie).status == 401
    row = next(row for row in admin.look("/admin/endings").raw.decode().split("<tr>") if EMAIL in row)
    assert "<td>logged</td>" in row
    recorded(admin, "cut.made")


def test_an_account_is_created(house: House, admin: Administrator) -> None:
    """The new account can sign in; an address that is taken and a weak password are refused in words."""
    form = {"email": "bob@example.com", "password": ROOT_PASSWORD, "because": "a test asked for it"}
    reply = admin.send("/admin/accounts", form)
    assert reply.headers["location"].startswith("/admin/account?id=")
    house.sign_in("bob@example.com", ROOT_PASSWORD)
    recorded(admin, "account.created")
    assert admin.send("/admin/accounts", form).status == 409
    assert admin.send("/admin/accounts", {**form, "email": "eve@example.com", "password": "1234"}).status == 422
    assert admin.send("/admin/accounts", {"email": "eve@example.com"}).status == 400


def test_a_client_is_registered_and_its_secret_shown_once(house: House, admin: Administrator) -> None:
    """The secret is on the answer, good, and on no other page."""
    form = {"name": "export", "kind": "service", "scopes": "notes:read notes:write", "because": "a test asked for it"}
    reply = admin.send("/admin/clients", form)
    assert reply.status == 200
    found = re.search(r'id="secret"[^>]*>(tss_[^<]+)<', reply.raw.decode())
    assert found is not None
    identity = re.search(r"/admin/client\?id=([A-Za-z0-9]+)", reply.raw.decode())
    assert identity is not None
    assert grant(house, identity[1], found[1]) == 200
    recorded(admin, "client.created")
    for path in PAGES:
        assert found[1].encode() not in admin.look(f"/admin{path}").raw
    assert admin.send("/admin/clients", {"name": "notes", "kind": "spa"}).status == 303
    assert admin.send("/admin/clients", {"name": "notes", "kind": "other"}).status == 400


def grant(house: House, client: str, secret: str) -> int:
    """Asks for a service's token and gives the status."""
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
    return house.ask("POST", "/oauth/token", form=form).status


def test_a_secret_is_changed_without_a_break(house: House, admin: Administrator) -> None:
    """The old secret stays good beside the new one until it is withdrawn, and then at once nowhere."""
    client, old = service(house)
    assert grant(house, client.id, old) == 200
    reply = admin.act("client.rotate-secret", str(client.id))
    found = re.search(r'id="secret"[^>]*>(tss_[^<]+)<', reply.raw.decode())
    assert found is not None
    assert (grant(house, client.id, old), grant(house, client.id, found[1])) == (200, 200)
    assert b'<dd id="secrets">2</dd>' in admin.look("/admin/client", f"id={client.id}").raw
    recorded(admin, "client.secret_added")
    assert admin.act("client.withdraw-secret", str(client.id)).status == 303
    assert (grant(house, client.id, old), grant(house, client.id, found[1])) == (401, 200)
    recorded(admin, "client.secret_withdrawn")
    assert admin.act("client.withdraw-secret", str(client.id)).status == 303
    assert grant(house, client.id, found[1]) == 200


def test_a_third_secret_drives_the_oldest_out(house: House, admin: Administrator) -> None:
    """There are never more than two."""
    client, old = service(house)
    for _ in range(2):
        admin.act("client.rotate-secret", str(client.id))
    assert grant(house, client.id, old) == 401
    app = house.do(house.authority.create_client("notes", kind="spa"))[0]
    assert admin.act("client.rotate-secret", str(app.id)).status == 400


def test_a_client_is_disabled_and_enabled(house: House, admin: Administrator) -> None:
    """A disabled client gets nothing; an enabled one does again."""
    client, secret = service(house)
    assert grant(house, client.id, secret) == 200
    assert admin.act("client.disable", str(client.id)).status == 303
    assert grant(house, client.id, secret) == 401
    assert recorded(admin, "client.disabled").client == str(client.id)
    assert admin.act("client.enable", str(client.id)).status == 303
    assert grant(house, client.id, secret) == 200
    assert b"enabled" in admin.look("/admin/client", f"id={client.id}").raw


def test_keys_are_rotated_and_revoked(house: House, admin: Administrator) -> None:
    """A rotation announces a key; a revocation needs a tick, and what the key signed falls."""
    (active,) = house.do(house.authority.keys())
    assert admin.act("keys.rotate", "keys").headers["location"] == "/admin/keys?done=keys.rotate"
    recorded(admin, "keys.rotation_begun")
    assert b"announced" in admin.look("/admin/keys").raw
    assert admin.act("key.revoke", str(active.kid)).status == 400
    assert admin.act("key.revoke", str(active.kid), confirm="true").status == 303
    assert next(key.state for key in house.do(house.authority.keys()) if key.kid == active.kid) == "revoked"
    assert dict(recorded(admin, "cut.made").facts)["name"] == str(active.kid)


# ── what cannot be done ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", ["account.disable", "account.withdraw"])
def test_the_last_administrator_cannot_be_taken_away(house: House, admin: Administrator, what: str) -> None:
    """Nobody can leave an authority without an administrator; with another one they can go."""
    reply = admin.act(what, str(admin.id), permission=ADMIN_PERMISSION)
    assert reply.status == 409
    assert b"account.last_administrator" in reply.raw
    assert admin.look("/admin").status == 200
    Administrator(house, "second@example.com")
    assert admin.act(what, str(admin.id), permission=ADMIN_PERMISSION).status == 303
    assert admin.look("/admin").status in (303, 403)


def test_an_administrator_who_is_disabled_counts_for_nothing(house: House, admin: Administrator) -> None:
    """A disabled administrator is nobody to rely on."""
    second = Administrator(house, "second@example.com")
    assert admin.act("account.disable", str(second.id)).status == 303
    assert admin.act("account.disable", str(admin.id)).status == 409


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"what": "account.explode", "id": "x", "because": "y"}, 404),
        ({"id": "x", "because": "y"}, 404),
        ({"what": "account.disable", "id": "x", "because": "y"}, 404),
        ({"what": "account.disable", "id": "2" * 22, "because": "y"}, 404),
        ({"what": "client.disable", "id": "2" * 22, "because": "y"}, 404),
        ({"what": "client.rotate-secret", "id": "x", "because": "y"}, 404),
        ({"what": "session.end", "id": "", "because": "y"}, 404),
        ({"what": "key.revoke", "id": "nokey", "because": "y", "confirm": "true"}, 404),
        ({"what": "keys.rotate", "id": "keys", "because": " "}, 400),
        ({"what": "keys.rotate", "id": "keys", "because": "y", "strength": "weak"}, 400),
    ],
)
def test_an_act_that_cannot_be_is_refused_in_words(admin: Administrator, form: dict[str, str], status: int) -> None:
    """A wrong id, an unknown act, or no reason gives a page that says so, and changes nothing."""
    reply = admin.send("/admin/act", form)
    assert reply.status == status
    assert b'id="message"' in reply.raw


@pytest.mark.parametrize("query", ["id=x", "", "id=a&id=b", "id=%ff", "id=%00", "a=1&" * 20])
def test_an_address_that_is_no_good_gives_a_page(admin: Administrator, query: str) -> None:
    """Whatever stands in the address, the answer is a page."""
    for path in ("/admin/account", "/admin/client"):
        assert admin.look(path, query).status in (400, 404)
    assert admin.look("/admin/events", "before=x").status == 400
    assert admin.look("/admin/events", "principal=nobody@example.com").status == 404


def test_only_a_form_is_read(house: House, admin: Administrator) -> None:
    """JSON, which a page of another site cannot send as a form, is no act here; nor is a method that is not there."""
    data = {"what": "keys.rotate", "id": "keys", "because": "x", "csrf": admin.csrf}
    assert house.ask("POST", "/admin/act", ORIGIN, cookie=admin.cookie, data=data).status == 415
    assert house.ask("DELETE", "/admin/act", ORIGIN, cookie=admin.cookie).status == 405


# ── finding ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_accounts_are_found_by_the_beginning_of_their_address(house: House, admin: Administrator, ada: Account) -> None:
    """A beginning, a whole address, and an id find an account; something else finds none."""
    for words in ("ad", "ADA@", EMAIL, str(ada.id)):
        assert EMAIL.encode() in admin.look("/admin/accounts", f"q={words}").raw
    assert b"accounts-none" in admin.look("/admin/accounts", "q=zz").raw


def test_many_accounts_come_in_pages(house: House, admin: Administrator) -> None:
    """Each account is on exactly one page, with and without a search."""
    for number in range(120):
        house.do(house.authority.create_account(f"m{number:03}@example.com", ROOT_PASSWORD))
    for words, expected in (("", 122), ("m", 120), ("m01", 10)):
        seen: list[str] = []
        query = f"q={words}"
        while query:
            text = admin.look("/admin/accounts", query).raw.decode()
            seen += re.findall(r'<th scope="row"><a href="[^"]*">([^<]+)</a>', text)
            further = re.search(r'id="further" rel="next" href="[^?]*\?([^"]+)"', text)
            query = further[1].replace("&amp;", "&") if further else ""
        assert len(seen) == len(set(seen)) == expected


def test_the_trail_comes_in_pages_and_by_person(house: House, admin: Administrator, ada: Account) -> None:
    """Each entry is on exactly one page; a person's entries are only theirs."""
    for _ in range(35):
        admin.act("account.grant", str(ada.id), permission="notes:write")
        admin.act("account.withdraw", str(ada.id), permission="notes:write")
    seen: list[str] = []
    query = f"principal={ada.id}"
    while query:
        text = admin.look("/admin/events", query).raw.decode()
        seen += re.findall(r'<tr id="act-(\d+)"', text)
        further = re.search(r'id="further" rel="next" href="[^?]*\?([^"]+)"', text)
        query = further[1].replace("&amp;", "&") if further else ""
    assert len(seen) == len(set(seen)) == 71


def test_a_service_and_a_session_are_found_by_their_ids(house: House, admin: Administrator) -> None:
    """The page of sessions knows people, services and sessions."""
    client, secret = service(house)
    assert grant(house, client.id, secret) == 200
    assert b"export" in admin.look("/admin/sessions", f"q={client.id}").raw
    (session,) = house.do(house.authority.sessions_of(client.principal))
    assert str(session.id).encode() in admin.look("/admin/sessions", f"q={session.id}").raw
    assert b"sessions-none" in admin.look("/admin/sessions", "q=nobody").raw
    assert str(session.id).encode() in admin.look("/admin/client", f"id={client.id}").raw


# ── what others wrote ────────────────────────────────────────────────────────────────────────────────────────────


def test_what_others_wrote_is_shown_as_text(house: House, admin: Administrator, ada: Account) -> None:
    """No stored text becomes markup or a header on any page: label, reason, name, permission, search."""
    house.ask(
        "POST",
        "/session",
        (("user-agent", NASTY.replace("\r\n", " ")),),
        data={"email": EMAIL, "password": "seven notches on a hazel stick"},
    )
    house.do(house.authority.create_client("<script>alert(3)</script>", kind="spa"))
    house.do(house.authority.grant(ada.id, "<img/src=x/onerror=alert(4)>"))
    admin.act("account.end", str(ada.id), NASTY)
    asked = [("/admin", ""), *((f"/admin{path}", "") for path in PAGES), ("/admin/account", f"id={ada.id}")]
    asked += [
        ("/admin/sessions", f"q={EMAIL}"),
        ("/admin/accounts", "q=%3Cscript%3E"),
        ("/admin/sessions", "q=%22%3E%3Cb"),
    ]
    asked += [("/admin/act", "what=account.end&id=%22%3E%3Cscript%3E"), ("/admin/account", f"id={ada.id}&done=%3Cb")]
    for path, query in asked:
        reply = admin.look(path, query)
        assert reply.status == 200, path
        text = reply.raw.decode()
        assert "<script" not in text
        assert "<img src=x" not in text
        assert "<img/" not in text
        assert "onerror=alert(2)>" not in text
        assert len([name for name, _ in reply.fields if name == "set-cookie"]) == 0


def test_a_session_is_shown_with_its_place(tmp_path: Path) -> None:
    """With a database of places a session says city and country; without an entry there it says the network."""
    places = GeoPlaces(write_places(tmp_path / "places.mmdb", {"203.0.113.0/24": city("Bath", "England <b>")}))
    with a_house(tmp_path, places=places) as running:
        admin = Administrator(running)
        data = {"email": EMAIL, "password": PASSWORD}
        for client in ("203.0.113.9", "198.51.100.7"):
            assert running.ask("POST", "/session", data=data, client=client).status == 200
        page = admin.look("/admin/sessions", f"q={EMAIL}").raw.decode()
        assert "<td>Bath, England &lt;b&gt;</td>" in page
        assert "<td>198.51.100.0/24</td>" in page
