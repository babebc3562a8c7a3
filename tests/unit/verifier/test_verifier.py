"""A verifier that was not started, and one that follows nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tallystick.core.revocation.entry import ORIGIN
from tallystick.errors import (
    AudienceMismatch,
    CredentialMissing,
    KeyUnknown,
    LeaseLapsed,
    Misconfigured,
    TallystickError,
    Unavailable,
)
from tallystick.verifier import Verifier
from tests.unit.core.verification.plain_log import ThreadedLog
from tests.unit.verifier.minting import AUDIENCE, ISSUER, Key, a_cookie, a_session, key_set


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "follow=open_log"),
        ({"client_id": "export", "client_secret": "s"}, "no HTTP feed"),
        ({"client_secret": "s"}, "no HTTP feed"),
        ({"revocation": "none"}, "shared_keys"),
        ({"revocation": "none", "shared_keys": {"keys": []}, "follow": ThreadedLog()}, "takes no log"),
        ({"revocation": "never"}, "not known"),
        ({"follow": ThreadedLog(), "on_lapse": "online_check"}, "not known"),
    ],
)
def test_what_cannot_work_is_refused_at_once(arguments: dict[str, Any], says: str) -> None:
    """Without a log to follow a verifier is not built, unless that is said by name; the error says what to write."""
    with pytest.raises(Misconfigured, match=says):
        Verifier(ISSUER, AUDIENCE, **arguments)


def test_building_opens_nothing() -> None:
    """A verifier touches its log only when it is started."""
    log = ThreadedLog()
    verifier = Verifier(ISSUER, AUDIENCE, follow=log)
    assert log.opened == 0
    assert not verifier.leased()
    assert verifier.state().verifier == ""


def test_before_it_is_started_nothing_passes() -> None:
    """Without a lease there is no answer, neither for a token nor for a cookie."""
    verifier = Verifier(ISSUER, AUDIENCE, follow=ThreadedLog())
    with pytest.raises(LeaseLapsed):
        verifier.verify(Key().mint(a_session()))
    with pytest.raises(LeaseLapsed):
        verifier.view_of_cookie_blocking(a_cookie()[0])
    with pytest.raises(Unavailable):
        verifier.published_keys()
    assert not verifier.applied_blocking(ORIGIN._replace(seq=1))
    verifier.wake()
    verifier.stop()
    assert verifier.state().counters["lapses"] == 2


def test_without_revocation_a_token_is_good_until_it_expires() -> None:
    """Said by name, a verifier knows keys and times only."""
    key, session = Key(), a_session()
    shared = json.loads(key_set(key))
    with Verifier(ISSUER, AUDIENCE, revocation="none", shared_keys=shared) as verifier:
        token = key.mint(session)
        assert verifier.verify(token).id == session
        assert verifier.verify(token).id == session
        assert verifier.state().counters["first_seen"] == 1
        assert verifier.leased()
        with pytest.raises(KeyUnknown):
            verifier.verify(Key().mint(session))
        with pytest.raises(AudienceMismatch):
            verifier.verify(key.mint(session, aud="https://other.example"))
        assert json.loads(verifier.published_keys()) == {"keys": []}
    with pytest.raises(LeaseLapsed):
        verifier.verify(token)


def test_a_request_without_a_credential_says_so() -> None:
    """No credential is another answer than a bad one."""
    shared: dict[str, Any] = {"keys": []}
    with Verifier(ISSUER, AUDIENCE, revocation="none", shared_keys=shared) as verifier:
        with pytest.raises(CredentialMissing):
            verifier.session_of_blocking({"REQUEST_METHOD": "GET"})


def test_a_wsgi_request_is_understood() -> None:
    """The credential is found in a WSGI environ."""
    key, session = Key(), a_session()
    environ = {"REQUEST_METHOD": "GET", "HTTP_AUTHORIZATION": f"Bearer {key.mint(session)}"}
    with Verifier(ISSUER, AUDIENCE, revocation="none", shared_keys=json.loads(key_set(key))) as verifier:
        assert verifier.session_of_blocking(environ).id == session


@pytest.mark.parametrize("token", ["", "a.b.c", "é.a.b", "\ud800", "." * 20_000, None, b"a.b.c"])
def test_what_is_no_token_is_refused(token: Any) -> None:
    """Whatever is handed in, the answer is one of our errors."""
    with Verifier(ISSUER, AUDIENCE, revocation="none", shared_keys={"keys": []}) as verifier:
        with pytest.raises(TallystickError):
            verifier.verify(token)


@pytest.mark.parametrize("value", ["", "tsc_", "\ud800", None, b"tsc_"])
def test_what_is_no_cookie_is_refused(value: Any) -> None:
    """Whatever is handed in, nobody is asked what it stands for."""
    with Verifier(ISSUER, AUDIENCE, revocation="none", shared_keys={"keys": []}) as verifier:
        with pytest.raises(TallystickError) as refused:
            verifier.view_of_cookie_blocking(value)
        assert refused.value.code == "credential.malformed"


def test_cookies_that_cannot_be_looked_up_are_our_trouble() -> None:
    """A verifier without a way to ask the authority says that it cannot, never that the cookie is bad."""
    with Verifier(ISSUER, AUDIENCE, revocation="none", shared_keys={"keys": []}) as verifier:
        with pytest.raises(Unavailable):
            verifier.view_of_cookie_blocking(a_cookie()[0])
