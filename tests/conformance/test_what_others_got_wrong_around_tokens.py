"""What other JOSE libraries got wrong, one test for each id: claims, caches, fetching, and what stands around tokens."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tallystick.authority.deliver import chosen_scopes
from tallystick.core.credentials.access_token import view_of
from tallystick.core.credentials.cookie import csrf_token_of
from tallystick.core.keys.jws import LastKeySet, Reader, verify_compact
from tallystick.core.keys.key_set import KeySet
from tallystick.core.session.standing import Standing
from tallystick.core.verification.token_cache import TokenCache
from tallystick.errors import (
    CredentialMalformed,
    CrossSite,
    KeyUnknown,
    Misconfigured,
    OAuthInvalidScope,
    Rejected,
    SignatureInvalid,
    TallystickError,
)
from tallystick.http import Decision, Presented, cookie_name_of, guard, presented, response_of, same_origin, set_cookie
from tallystick.verifier.keyring import Keyring
from tests.conformance.attacks import bare, imported, imports_of_the_product, refusal, refused_twice
from tests.support.sessions import BORN, HEAD, an_app
from tests.unit.core.keys.jose import ALGORITHMS, AUDIENCE, ISSUER, NOW, claims, header, jwk, jwks, token

ES256 = jwks(jwk("ES256"))
GOOD = token("ES256", claims())
LOCATIONS = (
    "file:///etc/passwd",
    "http://169.254.169.254/keys",
    "https://evil.example/jwks.json",
    "//evil.example",
    "/dev/zero",
)
CLIENT_LIBRARIES = {"urllib.request", "requests", "httpx", "httpx2", "aiohttp", "urllib3", "authlib", "http.cookiejar"}


def test_cve_2024_53861_issuer_that_is_a_part_of_the_expected_one() -> None:
    """The issuer must be the expected text, not a part of it, nor contain it."""
    for iss in (ISSUER[:-1], ISSUER[8:], "https://", "h", ISSUER[0], ISSUER + "/", ISSUER + "evil"):
        assert refusal(token("ES256", claims(iss=iss)), ES256) == "credential.issuer_mismatch"
    assert refusal(token("ES256", claims(iss="")), ES256) == "credential.malformed"


def test_cve_2026_75509_array_of_issuers() -> None:
    """A list of issuers is refused even if the right one is in it, or is all that is in it."""
    for iss in ([ISSUER], ["https://evil.example", ISSUER], {ISSUER: 1}, [[ISSUER]]):
        assert refusal(token("ES256", claims(iss=iss)), ES256) == "credential.malformed"


def test_cve_2025_30144_array_issuer_with_a_foreign_key() -> None:
    """An issuer that signs with a key of its own gains nothing by naming ours beside itself."""
    own = jwks(jwk("RS256", kid="evil"), jwk("ES256"))
    for iss in (["https://evil.example", ISSUER], [ISSUER, "https://evil.example"]):
        assert refusal(token("RS256", claims(iss=iss), header("RS256", kid="evil")), own) == "credential.malformed"


def test_cve_2026_107723_array_payload_skips_the_checks() -> None:
    """A payload that is a list, a text or a number has no claims and is refused."""
    for payload in ([claims()], [], "claims", 7, None, True, [[claims()]]):
        assert refusal(token("ES256", payload), ES256) == "credential.malformed"


def test_cve_2024_51744_combined_error_read_as_valid() -> None:
    """A token that is expired and badly signed is badly signed: the claims of a forged token are never even looked at."""
    forged = token("ES256", claims(exp=NOW - 1000), by=lambda _: bytes(range(64)))
    with pytest.raises(SignatureInvalid) as caught:
        bare(forged, ES256)
    assert caught.value.__cause__ is None
    assert refusal(token("ES256", claims(exp=NOW - 1000)), ES256) == "credential.expired"


def test_cve_2026_114617_token_that_switches_a_check_off() -> None:
    """Whatever a token says about checks, all of them are made."""
    words = {"nonce_supported": False, "exp_supported": False, "aud_required": False, "verify": False, "alg": "none"}
    for missing in ("iss", "exp", "aud", "sub", "client_id", "iat", "jti"):
        assert refusal(token("ES256", claims(**words, **{missing: None})), ES256) == "credential.malformed"
    assert (
        refusal(token("ES256", claims(**words, aud="https://other.example")), ES256) == "credential.audience_mismatch"
    )
    assert (
        refusal(token("ES256", claims(), header("ES256", typ=None, typ_supported=False)), ES256)
        == "credential.malformed"
    )


def test_cve_2026_48522_key_set_behind_a_file_url(nobody_reaches_out: list[str]) -> None:
    """No header and no claim makes anybody open a file: there is nothing that would follow a location."""
    for location in LOCATIONS:
        for head in (header("ES256", jku=location), header("ES256", x5u=location), header("ES256", kid=location)):
            assert refused_twice(token("ES256", claims(), head), ES256)
        assert refusal(token("ES256", claims(iss=location)), ES256) == "credential.issuer_mismatch"
        with pytest.raises(KeyUnknown):
            verify_compact(GOOD, location, ALGORITHMS)  # type: ignore[arg-type]
    assert nobody_reaches_out == []


def test_cve_2026_102267_fetch_that_follows_redirects() -> None:
    """No library that follows redirects is used anywhere in the product, so no key can come from where we did not ask."""
    assert "urllib.request" in imported("from urllib import request")
    found = {
        path: names & CLIENT_LIBRARIES for path, names in imports_of_the_product().items() if names & CLIENT_LIBRARIES
    }
    assert found == {}


def test_cve_2026_48524_one_failed_fetch_wipes_the_keys() -> None:
    """After a key set that is no key set, the keys that were there go on; none that was revoked comes back."""
    ring = Keyring()
    published = json.dumps(jwks(jwk("ES256"), jwk("RS256"))).encode()
    ring.take(published, ())
    for broken in (b"", b"<html>502</html>", b"{}", b'{"keys":7}', b"\xff\xfe"):
        with pytest.raises(Misconfigured):
            ring.take(broken, ())
        assert ring.reader.read(GOOD)[1] == claims()
    ring.revoke({jwk("RS256")["kid"]})
    ring.take(published, {jwk("RS256")["kid"]})
    with pytest.raises(KeyUnknown):
        ring.reader.read(token("RS256", claims()))
    memory = LastKeySet()
    kept = memory.reader(ES256, ("ES256",))
    with pytest.raises(KeyUnknown):
        memory.reader({"keys": 7}, ("ES256",))
    assert memory.reader(ES256, ("ES256",)) is kept


def test_cve_2026_35039_cache_that_gives_another_principals_claims() -> None:
    """What is kept of a token is found by its whole digest, and what is kept of headers holds no claims."""
    cache, reader = TokenCache(), Reader(KeySet.parse(ES256))
    subs = [f"{number}" * 22 for number in range(1, 9)]
    made = [token("ES256", claims(sub=sub)) for sub in subs]
    for one in made:
        cache.keep(one, view_of(*reader.read(one)))
    for sub, one in zip(subs, made, strict=True):
        view = cache.find(one, NOW)
        assert view is not None
        assert (view.principal, reader.read(one)[1]["sub"], bare(one, ES256)["sub"]) == (sub, sub, sub)
        assert cache.find(one[:-1], NOW) is None
        assert cache.find(one + "=", NOW) is None
        assert cache.find(one, NOW + 600) is None


def test_cve_2026_104056_issuer_metadata_kept_without_a_check() -> None:
    """The issuer is what the caller says, for each call: neither a token nor a key set can bring another."""
    poisoned: dict[str, Any] = {**ES256, "issuer": "https://evil.example", "jwks_uri": "https://evil.example/keys"}
    foreign = token("ES256", claims(iss="https://evil.example"))
    for keys in (ES256, poisoned, {**jwks(jwk("ES256", issuer="https://evil.example", iss="https://evil.example"))}):
        assert refusal(foreign, keys) == "credential.issuer_mismatch"
        assert bare(GOOD, keys)["iss"] == ISSUER
    assert bare(foreign, ES256, issuer="https://evil.example")["iss"] == "https://evil.example"
    assert refusal(GOOD, ES256, issuer="https://evil.example") == "credential.issuer_mismatch"


def test_cve_2026_114619_raw_scope_in_place_of_the_filtered_one() -> None:
    """A token gets what was granted and is still allowed, never what was asked for."""
    row = an_app().granted("notes:read", "notes:write").row
    still_allowed = frozenset({"notes:read", "admin"})
    standing = Standing(HEAD, row, None, enabled=True, permissions=still_allowed, newest_cut=BORN)
    assert chosen_scopes(standing, None) == {"notes:read"}
    assert chosen_scopes(standing, frozenset({"notes:read", "notes:write"})) == {"notes:read"}
    assert chosen_scopes(standing, frozenset({"notes:write"})) == frozenset()
    with pytest.raises(OAuthInvalidScope):
        chosen_scopes(standing, frozenset({"notes:read", "admin"}))


def concrete(root: type[TallystickError]) -> list[type[TallystickError]]:
    """Gives every class of error that can be raised, below one."""
    found = [root] if root.code else []
    return found + [below for child in root.__subclasses__() for below in concrete(child)]


def test_cve_2026_44681_redirect_in_an_error() -> None:
    """No error answers with a redirect, whatever its texts say: the table has no such status and no such header."""
    classes = concrete(TallystickError)
    assert len(classes) > 20
    for cls in classes:
        answer = response_of(cls("https://evil.example/\r\nLocation: https://evil.example"))
        assert not 300 <= answer.status < 400
        assert {"location", "refresh", "content-location"}.isdisjoint(name.lower() for name in answer.headers)
        assert not any("\n" in value or "\r" in value for value in answer.headers.values())


ORIGIN_OF_OURS = "https://notes.example"


def test_cve_2025_68158_one_click_takeover_by_a_sign_in_that_others_began() -> None:
    """No page of another site can finish a sign-in in somebody's browser, and no sign-in elsewhere leaves a state with us."""
    for headers in (
        [(b"sec-fetch-site", b"cross-site")],
        [(b"sec-fetch-site", b"same-site"), (b"origin", b"https://evil.notes.example")],
        [(b"origin", b"https://evil.example")],
        [(b"origin", b"null")],
        [(b"origin", ORIGIN_OF_OURS.encode()), (b"origin", b"https://evil.example")],
    ):
        assert same_origin("POST", headers, ORIGIN_OF_OURS) is Decision.REFUSED
    assert same_origin("POST", [(b"sec-fetch-site", b"same-origin")], ORIGIN_OF_OURS) is Decision.ALLOWED
    oauth_clients = {"authlib", "oauthlib", "httpx_oauth", "starlette.middleware.sessions"}
    assert {path for path, names in imports_of_the_product().items() if names & oauth_clients} == set()


def test_cve_2026_41425_sign_in_finished_in_another_browser() -> None:
    """What a browser acts with is its own cookie, and a token made from that cookie; a value of another browser is refused."""
    issuer = f"{ORIGIN_OF_OURS}/auth"
    name = cookie_name_of(issuer)
    assert name.startswith("__Host-")
    assert {"Secure", "HttpOnly", "Path=/"} <= {part.strip() for part in set_cookie(issuer, "x" * 43).split(";")}
    assert presented([(b"cookie", b"state=abc; code=def; oauth_state=xyz")], name) is None
    mine, theirs = (Presented("cookie", sign * 43) for sign in "mt")
    for value in (theirs, mine):
        headers = [(b"x-csrf-token", csrf_token_of(value.value).encode())]
        if value is mine:
            guard("POST", headers, mine, ORIGIN_OF_OURS)
        else:
            with pytest.raises(CrossSite):
                guard("POST", headers, mine, ORIGIN_OF_OURS)


def test_every_rejection_says_why_by_its_code() -> None:
    """The codes that these tests compare are each one class's own, so that no two mistakes look alike."""
    codes = [cls.code for cls in concrete(Rejected)]
    assert len(codes) == len(set(codes))
    with pytest.raises(CredentialMalformed):
        bare(without_payload(GOOD), ES256)


def without_payload(presented: str) -> str:
    """Gives a token with its payload taken out."""
    head, _, signature = presented.split(".")
    return f"{head}.{signature}"


def test_the_audience_is_compared_as_a_whole() -> None:
    """Lists and texts are told apart before they are compared: no part of an audience is one."""
    for aud in (AUDIENCE[:-1], AUDIENCE + "/", [AUDIENCE[:5]], list(AUDIENCE)):
        assert refusal(token("ES256", claims(aud=aud)), ES256) == "credential.audience_mismatch"
