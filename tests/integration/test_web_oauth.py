"""The token endpoint, the key set and the metadata."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from tallystick.core.secret import Secret
from tallystick.errors import Unavailable
from tallystick.oauth.client import Client
from tallystick.verifier import verify_access_token
from tallystick.web.endpoints.oauth import parse_basic
from tests.integration.asgi import HTTPS, House, Reply, a_house
from tests.support.embedded import EMAIL, PASSWORD

EXPORT = "https://export.example"
METADATA = "/.well-known/oauth-authorization-server"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An authority on https, behind a path."""
    with a_house(tmp_path, HTTPS) as house:
        yield house


@pytest.fixture
def service(house: House) -> tuple[str, str]:
    """A service's client_id and secret."""
    client, secret = house.do(
        house.authority.create_client(
            "export", kind="service", audiences=[EXPORT], scopes=["notes:read", "notes:write"]
        )
    )
    assert isinstance(secret, Secret)
    return client.id, secret.reveal()


@pytest.fixture
def phone(house: House) -> Client:
    """A first-party native app, which has no secret."""
    client, secret = house.do(
        house.authority.create_client("phone", kind="native", first_party=True, scopes=["notes:read"])
    )
    assert secret is None
    return client


def basic(name: str, secret: str) -> list[tuple[str, str]]:
    """Gives the Authorization header of RFC 6749 section 2.3.1."""
    joined = f"{quote_plus(name)}:{quote_plus(secret)}"
    return [("authorization", "Basic " + b64encode(joined.encode()).decode())]


def tokens_of(house: House, client: Client) -> Reply:
    """Signs the app in."""
    wish = {"email": EMAIL, "password": PASSWORD, "deliver": "tokens", "client_id": client.id}
    reply = house.ask("POST", "/session", data=wish)
    assert reply.status == 200
    return reply


def trade(house: House, client: str, token: str, **more: str) -> Reply:
    """Presents a refresh token."""
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client, **more}
    return house.ask("POST", "/oauth/token", form=form)


def test_a_service_gets_a_token_by_either_method(house: House, service: tuple[str, str]) -> None:
    """client_secret_basic and client_secret_post give an access token, and no refresh token."""
    name, secret = service
    by_basic = house.ask("POST", "/oauth/token", basic(name, secret), form={"grant_type": "client_credentials"})
    form = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
    by_post = house.ask("POST", "/oauth/token", form=form)
    for reply in (by_basic, by_post):
        assert reply.status == 200, reply.raw
        assert set(reply.body) == {"access_token", "token_type", "expires_in", "scope"}
        assert reply.body["scope"] == "notes:read notes:write"
        assert reply.headers["cache-control"] == "no-store"
        seen = house.ask("GET", "/session", bearer=reply.body["access_token"])
        assert seen.body["session"]["client"] == name
        assert seen.body["principal"] == {"id": name}
        assert seen.body["session"]["authenticated_at"] is None


def test_a_client_may_name_itself_beside_basic(house: House, service: tuple[str, str]) -> None:
    """client_id in the form is fine beside Basic when it is the same, and a contradiction when it is not."""
    name, secret = service
    form = {"grant_type": "client_credentials", "client_id": name}
    assert house.ask("POST", "/oauth/token", basic(name, secret), form=form).status == 200
    other = house.ask("POST", "/oauth/token", basic(name, secret), form={**form, "client_id": "other"})
    assert (other.status, other.error) == (400, "invalid_request")


def test_a_client_authenticates_in_one_way_only(house: House, service: tuple[str, str]) -> None:
    """Basic and client_secret together are refused (RFC 6749 section 2.3), and so are two Authorization headers."""
    name, secret = service
    form = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
    assert house.ask("POST", "/oauth/token", basic(name, secret), form=form).error == "invalid_request"
    twice = basic(name, secret) * 2
    assert (
        house.ask("POST", "/oauth/token", twice, form={"grant_type": "client_credentials"}).error == "invalid_request"
    )


def test_a_wrong_secret_is_an_invalid_client(house: House, service: tuple[str, str]) -> None:
    """A wrong secret is 401 with a challenge; the right one still works."""
    name, secret = service
    wrong = house.ask("POST", "/oauth/token", basic(name, "x" * 43), form={"grant_type": "client_credentials"})
    assert (wrong.status, wrong.error) == (401, "invalid_client")
    assert wrong.headers["www-authenticate"].startswith("Basic ")
    assert (
        house.ask("POST", "/oauth/token", basic(name, secret), form={"grant_type": "client_credentials"}).status == 200
    )


def test_guessing_client_secrets_is_slowed_down(house: House, service: tuple[str, str]) -> None:
    """After many wrong secrets from one address there is 429 with Retry-After, and the owner is not kept out."""
    name, secret = service
    form = {"grant_type": "client_credentials"}
    statuses = {house.ask("POST", "/oauth/token", basic(name, f"guess {n}"), form=form).status for n in range(40)}
    assert statuses == {401, 429}
    assert house.ask("POST", "/oauth/token", basic(name, secret), form=form).status == 200


@pytest.mark.parametrize("parameter", ["audience", "resource"])
def test_a_service_may_name_an_audience(house: House, service: tuple[str, str], parameter: str) -> None:
    """An audience that it registered is put into the token; another is `invalid_target` (RFC 8707)."""
    name, secret = service
    form = {"grant_type": "client_credentials", parameter: EXPORT}
    reply = house.ask("POST", "/oauth/token", basic(name, secret), form=form)
    keys = json.loads(house.ask("GET", "/.well-known/jwks.json").raw)
    claims = verify_access_token(reply.body["access_token"], keys, issuer=HTTPS, audience=EXPORT)
    assert claims["client_id"] == name
    refused = house.ask("POST", "/oauth/token", basic(name, secret), form={**form, parameter: "https://evil.example"})
    assert (refused.status, refused.error) == (400, "invalid_target")


def test_a_scope_is_cut_down_or_refused(house: House, service: tuple[str, str]) -> None:
    """A part of the scopes may be asked for; more than was registered is `invalid_scope`."""
    name, secret = service
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    assert house.ask("POST", "/oauth/token", basic(name, secret), form=form).body["scope"] == "notes:read"
    refused = house.ask("POST", "/oauth/token", basic(name, secret), form={**form, "scope": "notes:read admin"})
    assert (refused.status, refused.error) == (400, "invalid_scope")


def test_a_service_without_scopes_is_told_none(house: House) -> None:
    """An empty scope is left out of the answer (RFC 6749 section 3.3 knows none), and a client's secret never prints."""
    client, secret = house.do(house.authority.create_client("bare", kind="service"))
    assert secret is not None
    fields = basic(client.id, secret.reveal())
    reply = house.ask("POST", "/oauth/token", fields, form={"grant_type": "client_credentials"})
    assert (reply.status, "scope" in reply.body) == (200, False)
    assert secret.reveal() not in repr(parse_basic(fields[0][1].encode()))


def test_an_app_is_no_service(house: House, phone: Client) -> None:
    """A public client has no secret, so it cannot use client_credentials at all."""
    form = {"grant_type": "client_credentials", "client_id": phone.id, "client_secret": "x"}
    assert house.ask("POST", "/oauth/token", form=form).error == "invalid_client"


def test_a_refresh_token_is_traded_and_repeated(house: House, phone: Client) -> None:
    """A refresh gives a successor; the same request again, as after a lost answer, gives the identical one."""
    first = tokens_of(house, phone).body["refresh_token"]
    answer, again = trade(house, phone.id, first), trade(house, phone.id, first)
    assert answer.status == again.status == 200
    assert answer.body["refresh_token"] == again.body["refresh_token"] != first
    assert house.ask("GET", "/session", bearer=answer.body["access_token"]).status == 200


def test_reuse_and_what_follows_are_invalid_grants(house: House, phone: Client) -> None:
    """An old refresh token, and then every token of its session, are `invalid_grant`; nothing tells why."""
    first = tokens_of(house, phone).body
    second = trade(house, phone.id, first["refresh_token"]).body
    third = trade(house, phone.id, second["refresh_token"]).body
    for token in (first["refresh_token"], second["refresh_token"], third["refresh_token"]):
        refused = trade(house, phone.id, token)
        assert (refused.status, refused.error) == (400, "invalid_grant")
        assert refused.headers["cache-control"] == "no-store"
    assert house.ask("GET", "/session", bearer=third["access_token"]).error == "session.ended"


def test_another_clients_refresh_token_ends_nothing(house: House, phone: Client) -> None:
    """A client that presents another's refresh token is refused, and the owner goes on."""
    token = tokens_of(house, phone).body["refresh_token"]
    other, _ = house.do(house.authority.create_client("other", kind="native", first_party=True))
    refused = trade(house, other.id, token)
    assert (refused.status, refused.error) == (400, "invalid_grant")
    assert trade(house, phone.id, token).status == 200


def test_a_refresh_may_ask_for_less_but_not_for_more(house: House, phone: Client) -> None:
    """Less scope is given; more is `invalid_scope` and consumes nothing; another audience is `invalid_target`."""
    token = tokens_of(house, phone).body["refresh_token"]
    assert trade(house, phone.id, token, scope="admin").error == "invalid_scope"
    assert trade(house, phone.id, token, audience=EXPORT).error == "invalid_target"
    assert trade(house, phone.id, token, scope="notes:read", audience=HTTPS).body["scope"] == "notes:read"


def test_a_public_client_must_name_itself(house: House, phone: Client) -> None:
    """Without client_id a refresh token is not looked at."""
    token = tokens_of(house, phone).body["refresh_token"]
    refused = house.ask("POST", "/oauth/token", form={"grant_type": "refresh_token", "refresh_token": token})
    assert (refused.status, refused.error) == (401, "invalid_client")
    assert trade(house, phone.id, token).status == 200


def test_our_own_trouble_is_not_an_invalid_grant(house: House, phone: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the store is in trouble the answer is 503 with Retry-After: a client keeps its token and tries again."""
    token = tokens_of(house, phone).body["refresh_token"]

    async def broken(*_: object, **__: object) -> None:
        raise Unavailable("the disk is full", retry_after_s=2)

    monkeypatch.setattr(house.authority, "refresh", broken)
    refused = trade(house, phone.id, token)
    assert (refused.status, refused.error) == (503, "unavailable")
    assert refused.headers["retry-after"] == "2"
    assert b"disk" not in refused.raw


def test_a_cookie_means_nothing_at_the_token_endpoint(house: House, phone: Client) -> None:
    """The token endpoint reads no cookie, so there is nothing for another site to misuse."""
    signed = house.sign_in()
    reply = house.ask("POST", "/oauth/token", cookie=signed.cookie, form={"grant_type": "client_credentials"})
    assert reply.error == "invalid_client"


def test_the_key_set_can_be_kept_and_asked_for_again(house: House) -> None:
    """The key set has a type, an age and a tag; with the tag it is 304."""
    reply = house.ask("GET", "/.well-known/jwks.json")
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/jwk-set+json"
    assert reply.headers["cache-control"] == "public, max-age=300, must-revalidate"
    keys = json.loads(reply.raw)["keys"]
    assert keys
    assert all("d" not in key and key["kty"] == "EC" for key in keys)
    tag = reply.headers["etag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = house.ask("GET", "/.well-known/jwks.json", [("if-none-match", known)])
        assert (again.status, again.raw, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == reply.headers["cache-control"]
    assert house.ask("GET", "/.well-known/jwks.json", [("if-none-match", '"x"')]).status == 200


def test_the_key_set_follows_a_rotation(house: House) -> None:
    """A key that was announced is published, and the tag changes with it."""
    before = house.ask("GET", "/.well-known/jwks.json")
    key = house.do(house.authority.rotate_keys())
    after = house.ask("GET", "/.well-known/jwks.json")
    assert key.kid in {one["kid"] for one in json.loads(after.raw)["keys"]}
    assert before.headers["etag"] != after.headers["etag"]


def test_the_metadata_says_what_there_is(house: House) -> None:
    """RFC 8414: the issuer as it is, and every address in it answers."""
    reply = house.ask("GET", METADATA)
    assert reply.headers["content-type"] == "application/json"
    document = reply.body
    assert document["issuer"] == HTTPS
    assert document["response_types_supported"] == []
    assert document["grant_types_supported"] == ["client_credentials", "refresh_token"]
    assert document["token_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post", "none"]
    for name in ("token_endpoint", "jwks_uri"):
        assert document[name].startswith(HTTPS + "/")
        assert house.ask("GET", document[name].removeprefix(HTTPS)).status in (200, 405)
    assert {name for name in document if name.endswith(("endpoint", "uri"))} == {"token_endpoint", "jwks_uri"}
