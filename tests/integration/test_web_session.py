"""`/session` and `/session/access-token`: signing in, looking, minting, signing out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tallystick.core.credentials.cookie import csrf_token_of
from tallystick.web import routes
from tests.integration.asgi import HTTPS, LOCAL, House, Reply, a_house
from tests.support.embedded import EMAIL, PASSWORD

GOOD = {"email": EMAIL, "password": PASSWORD}
OURS = ("origin", "https://notes.example")
EVIL = ("origin", "https://evil.example")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An authority on https, behind a path."""
    with a_house(tmp_path, HTTPS) as house:
        yield house


@pytest.fixture
def local(tmp_path: Path) -> Iterator[House]:
    """An authority on http://localhost."""
    with a_house(tmp_path, LOCAL) as house:
        yield house


def value_of(reply: Reply) -> str:
    """Gives the value of the cookie that an answer sets."""
    return reply.cookie.partition("=")[2]


def test_signing_in_sets_a_cookie_and_tells_the_session(house: House) -> None:
    """A password in JSON gives a cookie, the session, the principal, and the token that goes with the cookie."""
    reply = house.ask("POST", "/session", data=GOOD)
    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-store"
    assert set(reply.body) == {"session", "principal", "csrf"}
    assert set(reply.body["session"]) >= {"id", "client", "scopes", "authenticated_at", "expires_at"}
    assert reply.body["session"]["client"] == "browser"
    assert reply.body["session"]["scopes"] == ["notes:read"]
    assert reply.body["principal"]["email"] == EMAIL
    assert reply.body["csrf"] == csrf_token_of(value_of(reply))


def test_the_cookie_on_https_has_every_attribute(house: House) -> None:
    """On https: the prefixed name, Secure, HttpOnly, Lax, Path=/, no Domain, and no age unless asked."""
    field = house.sign_in().headers["set-cookie"]
    name, _, rest = field.partition("=")
    assert name == "__Host-Http-ts"
    assert set(rest.split("; ")[1:]) == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"}
    assert len(field) < 4096


def test_the_cookie_on_localhost_is_plain(local: House) -> None:
    """On http://localhost the cookie is `ts` and not Secure, else a browser would drop it."""
    field = local.sign_in().headers["set-cookie"]
    assert field.startswith("ts=tsc_")
    assert set(field.split("; ")[1:]) == {"Path=/", "HttpOnly", "SameSite=Lax"}


@pytest.mark.parametrize("stay", [True, False])
def test_staying_signed_in_gives_the_cookie_an_age(house: House, stay: bool) -> None:
    """Who asks to stay signed in gets a cookie that outlives the browser: at most 400 days."""
    field = house.sign_in(stay=stay).headers["set-cookie"]
    ages = [part for part in field.split("; ") if part.startswith("Max-Age=")]
    assert len(ages) == stay
    assert all(86_400 < int(age.removeprefix("Max-Age=")) <= 400 * 86_400 for age in ages)


@pytest.mark.parametrize("stay", ["true", "on", "TRUE"])
def test_a_form_signs_in_from_our_own_page(house: House, stay: str) -> None:
    """A form from our own page signs in; its check box may say `on`."""
    reply = house.ask("POST", "/session", [OURS], form={**GOOD, "stay": stay})
    assert reply.status == 200
    assert "Max-Age=" in reply.headers["set-cookie"]


def test_a_session_is_looked_at_with_either_credential(house: House) -> None:
    """The cookie and a JWT minted from it show the same session; only the cookie shows a token against other sites."""
    signed = house.sign_in()
    minted = house.ask("POST", "/session/access-token", cookie=signed.cookie, csrf=signed.body["csrf"])
    by_cookie = house.ask("GET", "/session", cookie=signed.cookie)
    by_token = house.ask("GET", "/session", bearer=minted.body["access_token"])
    assert by_cookie.status == by_token.status == 200
    assert by_cookie.body["session"]["id"] == by_token.body["session"]["id"] == signed.body["session"]["id"]
    assert by_cookie.body["principal"] == by_token.body["principal"]
    assert by_cookie.body["csrf"] == signed.body["csrf"]
    assert "csrf" not in by_token.body
    assert (by_cookie.body["session"]["credential"], by_token.body["session"]["credential"]) == (
        "cookie",
        "access_token",
    )


def test_credentials_in_the_query_are_not_read(house: House) -> None:
    """Neither a token nor a password in the query counts (RFC 9700 section 4.3)."""
    signed = house.sign_in()
    minted = house.ask("POST", "/session/access-token", cookie=signed.cookie, csrf=signed.body["csrf"])
    query = urlencode({**GOOD, "access_token": minted.body["access_token"], "__Host-Http-ts": value_of(signed)})
    assert house.ask("GET", "/session", query=query).error == "credential.missing"
    assert house.ask("POST", "/session", query=query, data={}).status == 400


def test_a_head_request_is_answered_like_a_get(house: House) -> None:
    """HEAD tells the status of GET."""
    signed = house.sign_in()
    assert house.ask("HEAD", "/session", cookie=signed.cookie).status == 200
    assert house.ask("HEAD", "/session").status == 401


def test_minting_answers_with_a_token_response(house: House) -> None:
    """`POST /session/access-token` answers as a token endpoint does, without a refresh token."""
    signed = house.sign_in()
    reply = house.ask("POST", "/session/access-token", cookie=signed.cookie, csrf=signed.body["csrf"])
    assert reply.status == 200
    assert set(reply.body) == {"access_token", "token_type", "expires_in", "scope"}
    assert reply.body["token_type"] == "Bearer"
    assert reply.body["expires_in"] == 600
    assert reply.headers["cache-control"] == "no-store"


def test_a_token_is_minted_for_a_registered_audience_only(house: House) -> None:
    """The body may name one audience that a client has registered, as JSON or as a form."""
    house.do(house.authority.create_client("export", kind="service", audiences=["https://export.example"]))
    signed = house.sign_in()
    proof = {"cookie": signed.cookie, "csrf": signed.body["csrf"]}
    for body in ({"data": {"audience": "https://export.example"}}, {"form": {"audience": "https://export.example"}}):
        reply = house.ask("POST", "/session/access-token", **proof, **body)  # type: ignore[arg-type]
        assert reply.status == 200, reply.raw
        assert house.ask("GET", "/session", bearer=reply.body["access_token"]).error == "credential.audience_mismatch"
    refused = house.ask("POST", "/session/access-token", **proof, data={"audience": "https://evil.example"})
    assert (refused.status, refused.error) == (400, "invalid_target")


def test_an_access_token_mints_no_access_token(house: House) -> None:
    """Only the cookie is a renewable secret: a stolen token cannot be prolonged."""
    signed = house.sign_in()
    minted = house.ask("POST", "/session/access-token", cookie=signed.cookie, csrf=signed.body["csrf"])
    reply = house.ask("POST", "/session/access-token", bearer=minted.body["access_token"])
    assert (reply.status, reply.error) == (401, "credential.missing")


def test_signing_out_ends_both_credentials(house: House) -> None:
    """After DELETE the cookie and its JWT are refused, and the browser is told to forget the cookie."""
    signed = house.sign_in()
    minted = house.ask("POST", "/session/access-token", cookie=signed.cookie, csrf=signed.body["csrf"])
    reply = house.ask("DELETE", "/session", cookie=signed.cookie, csrf=signed.body["csrf"])
    assert (reply.status, reply.raw) == (204, b"")
    assert reply.headers["set-cookie"] == "__Host-Http-ts=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"
    assert reply.headers["clear-site-data"] == '"cache", "storage"'
    assert reply.headers["cache-control"] == "no-store"
    assert house.ask("GET", "/session", cookie=signed.cookie).error == "session.ended"
    assert house.ask("GET", "/session", bearer=minted.body["access_token"]).error == "session.ended"
    assert house.ask("POST", "/session/access-token", [OURS], cookie=signed.cookie).error == "session.ended"


def test_signing_out_with_a_token_leaves_the_browsers_cookies_alone(house: House) -> None:
    """An access token ends its session too; no header speaks of cookies then."""
    signed = house.sign_in()
    minted = house.ask("POST", "/session/access-token", cookie=signed.cookie, csrf=signed.body["csrf"])
    reply = house.ask("DELETE", "/session", bearer=minted.body["access_token"])
    assert reply.status == 204
    assert "set-cookie" not in reply.headers
    assert "clear-site-data" not in reply.headers
    assert house.ask("GET", "/session", cookie=signed.cookie).status == 401
    assert house.ask("DELETE", "/session", bearer=minted.body["access_token"]).status == 401


def test_signing_out_twice_is_no_error_for_a_browser(local: House) -> None:
    """A browser whose session is over already is told the same as the first time; on http nothing else is cleared."""
    signed = local.sign_in()
    for _ in range(2):
        reply = local.ask("DELETE", "/session", cookie=signed.cookie, csrf=signed.body["csrf"])
        assert reply.status == 204
        assert reply.headers["set-cookie"] == "ts=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        assert "clear-site-data" not in reply.headers


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ([("sec-fetch-site", "same-origin")], True),
        ([("sec-fetch-site", "none")], True),
        ([("sec-fetch-site", "cross-site"), EVIL], False),
        ([("sec-fetch-site", "same-site"), ("origin", "https://app.notes.example")], False),
        ([OURS], True),
        ([EVIL], False),
        ([("origin", "null")], False),
        ([], False),
        ([("x-csrf-token", "wrong")], False),
    ],
)
def test_another_sites_page_cannot_act_with_the_cookie(
    house: House, method: str, fields: list[tuple[str, str]], allowed: bool
) -> None:
    """Minting and signing out with a cookie need a request from our own pages, or the session's token."""
    signed = house.sign_in()
    path = "/session" if method == "DELETE" else "/session/access-token"
    reply = house.ask(method, path, fields, cookie=signed.cookie)
    assert reply.status in ((200, 204) if allowed else (403,))
    if not allowed:
        assert reply.error == "request.cross_site"
        assert house.ask("GET", "/session", cookie=signed.cookie).status == 200


@pytest.mark.parametrize(
    ("fields", "json", "allowed"),
    [
        ([], True, True),
        ([], False, False),
        ([OURS], True, True),
        ([OURS], False, True),
        ([EVIL], True, False),
        ([EVIL], False, False),
        ([("origin", "null")], True, False),
        ([("sec-fetch-site", "same-origin")], False, True),
        ([("sec-fetch-site", "cross-site"), EVIL], True, False),
        ([("sec-fetch-site", "same-site")], False, False),
    ],
)
def test_another_sites_page_cannot_sign_anybody_in(
    house: House, fields: list[tuple[str, str]], json: bool, allowed: bool
) -> None:
    """Login CSRF: a sign-in comes from our own page, or is a JSON body that no other page can send without asking."""
    reply = house.ask("POST", "/session", fields, **{"data" if json else "form": GOOD})  # type: ignore[arg-type]
    assert reply.status == (200 if allowed else 403), reply.raw
    assert ("set-cookie" in reply.headers) is allowed
    if not allowed:
        assert reply.error == "request.cross_site"


def test_a_bearer_does_not_excuse_a_sign_in(house: House) -> None:
    """A form of another site stays refused, whatever Authorization it carries."""
    assert house.ask("POST", "/session", [EVIL], form=GOOD, bearer="a.b.c").status == 403


def test_a_wrong_password_says_nothing_about_the_account(house: House) -> None:
    """A wrong password and an unknown address are told alike, without a cookie."""
    wrong = house.ask("POST", "/session", data={**GOOD, "password": "x" * 20})
    unknown = house.ask("POST", "/session", data={**GOOD, "email": "nobody@example.com"}, client="198.51.100.9")
    assert wrong.status == unknown.status == 401
    assert wrong.raw == unknown.raw
    assert wrong.error == "authentication.failed"
    assert wrong.headers["www-authenticate"] == 'Bearer realm="tallystick"'
    assert "set-cookie" not in wrong.headers


def test_guessing_is_slowed_down_for_the_guesser(house: House) -> None:
    """After some wrong passwords from one address there is 429 with Retry-After, right password or not."""
    replies = [
        house.ask(
            "POST", "/session", [("x-forwarded-for", f"198.51.100.{n}")], data={**GOOD, "password": f"wrong {n} wrong"}
        )
        for n in range(30)
    ]
    throttled = [reply for reply in replies if reply.status == 429]
    assert throttled
    assert {reply.status for reply in replies} == {401, 429}
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in throttled)
    assert throttled[0].error == "throttled"


def test_signing_in_again_replaces_the_cookie(house: House) -> None:
    """The same person in the same browser gets a new cookie for the same session."""
    first = house.sign_in()
    second = house.ask("POST", "/session", data=GOOD, cookie=first.cookie)
    assert second.status == 200
    assert value_of(first) != value_of(second)
    assert first.body["session"]["id"] == second.body["session"]["id"]


@pytest.mark.parametrize(
    "cookie", ["__Host-Http-ts=a; __Host-Http-ts=b", "__Host-Http-ts=", "__Host-Http-ts=tsc_" + "A" * 43]
)
def test_a_broken_cookie_does_not_keep_anybody_out(house: House, cookie: str) -> None:
    """Who has a dead, empty or doubled cookie can still sign in, and gets a good one."""
    reply = house.ask("POST", "/session", data=GOOD, cookie=cookie)
    assert reply.status == 200
    assert house.ask("GET", "/session", cookie=reply.cookie).status == 200


def test_an_app_of_ours_gets_tokens_and_no_cookie(house: House) -> None:
    """`deliver: tokens` gives a first-party native app a token response; from any page, since no cookie is involved."""
    client, _ = house.do(house.authority.create_client("phone", kind="native", first_party=True, scopes=["notes:read"]))
    wish = {**GOOD, "deliver": "tokens", "client_id": client.id, "scope": "notes:read"}
    for reply in (house.ask("POST", "/session", [EVIL], data=wish), house.ask("POST", "/session", form=wish)):
        assert reply.status == 200, reply.raw
        assert set(reply.body) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
        assert "set-cookie" not in reply.headers
        assert house.ask("GET", "/session", bearer=reply.body["access_token"]).body["session"]["client"] == client.id


def test_a_client_that_is_not_ours_gets_no_tokens_for_a_password(house: House) -> None:
    """Neither a third party's app nor a web client may take a password."""
    for kind, first_party in (("native", False), ("web", True), ("spa", True)):
        uris = ["https://app.example/back"] if kind != "native" else ["com.example.app:/back"]
        client, _ = house.do(
            house.authority.create_client("other", kind=kind, first_party=first_party, redirect_uris=uris)
        )
        reply = house.ask("POST", "/session", data={**GOOD, "deliver": "tokens", "client_id": client.id})
        assert (reply.status, reply.error) == (400, "unauthorized_client")


def test_the_label_of_a_session_is_printable(house: House) -> None:
    """What the browser calls itself is kept short and without control characters."""
    signed = house.ask("POST", "/session", [("user-agent", "Fire\x1b[31mfox\xff" + "x" * 500)], data=GOOD)
    account = house.do(house.authority.find_account(EMAIL))
    assert account is not None
    [session] = house.do(house.authority.sessions_of(account.id))
    assert session.id == signed.body["session"]["id"]
    assert session.label.startswith("Fire [31mfox x")
    assert len(session.label) <= 200


def test_a_sign_up_makes_an_account_that_can_sign_in(house: House) -> None:
    """`POST /sign-up` makes an account with no permissions and signs nobody in; the same address again is 409."""
    wish = {"email": "Bob@Example.com", "password": "a stick is split in two halves"}
    made = house.ask("POST", "/sign-up", data=wish)
    assert (made.status, set(made.body)) == (201, {"principal"})
    assert "set-cookie" not in made.headers
    signed = house.sign_in(**wish)
    assert signed.body["principal"]["id"] == made.body["principal"]["id"]
    assert signed.body["principal"]["permissions"] == []
    again = house.ask("POST", "/sign-up", data={**wish, "email": "bob@example.com"})
    assert (again.status, again.error) == (409, "already_exists")


def test_a_weak_password_is_refused_with_a_reason(house: House) -> None:
    """A password that everybody guesses is 422 and the answer says why."""
    reply = house.ask("POST", "/sign-up", data={"email": "bob@example.com", "password": "short"})
    assert (reply.status, reply.error) == (422, "password.refused")
    assert len(reply.body["message"]) > 20


def test_another_sites_page_cannot_sign_anybody_up(house: House) -> None:
    """A sign-up is sent by our own pages only."""
    wish = {"email": "bob@example.com", "password": "a stick is split in two halves"}
    assert house.ask("POST", "/sign-up", [EVIL], data=wish).status == 403


def test_a_page_of_a_trusted_origin_may_act(tmp_path: Path) -> None:
    """An origin that was named may sign in and sign out."""
    with a_house(tmp_path, HTTPS) as house:
        house.app = routes(house.authority, trusted_origins=["https://app.example"])
        friend = [("origin", "https://app.example"), ("sec-fetch-site", "cross-site")]
        signed = house.ask("POST", "/session", friend, form=GOOD)
        assert signed.status == 200
        assert house.ask("DELETE", "/session", friend, cookie=signed.cookie).status == 204
        assert house.ask("POST", "/session", [EVIL], form=GOOD).status == 403
