"""One-time passwords by time: the vectors of both standards, the window, and that no code is good twice."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest

from tallystick.identity import totp

SECRET = b"12345678901234567890"
NOW = 1_800_000_010
HERE = NOW // totp.STEP_S

# RFC 4226, appendix D.
HOTP = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
# RFC 6238, appendix B, the SHA-1 rows: eight digits there, of which an app with six shows the last.
TOTP = [
    (59, "94287082"),
    (1_111_111_109, "07081804"),
    (1_111_111_111, "14050471"),
    (1_234_567_890, "89005924"),
    (2_000_000_000, "69279037"),
    (20_000_000_000, "65353130"),
]


@pytest.mark.parametrize(("counter", "code"), list(enumerate(HOTP)))
def test_the_vectors_of_rfc_4226(counter: int, code: str) -> None:
    """Each counter of the standard's table gives its code."""
    assert totp.code_at(SECRET, counter) == code


@pytest.mark.parametrize(("at", "code"), TOTP)
def test_the_vectors_of_rfc_6238(at: int, code: str) -> None:
    """Each instant of the standard's table gives its code."""
    assert totp.code_at(SECRET, at // totp.STEP_S) == code[-6:]


@pytest.mark.parametrize("at", range(NOW, NOW + 3_000, 171))
def test_it_agrees_with_another_implementation(at: int) -> None:
    """An authenticator app shows the code that is expected here."""
    app = pyotp.TOTP(totp.written_secret(SECRET))
    assert app.at(at) == totp.code_at(SECRET, at // totp.STEP_S)


@pytest.mark.parametrize(("drift", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_off_by_one_step(drift: int, good: bool) -> None:
    """A code of the step before or after is good, one further away is not."""
    code = totp.code_at(SECRET, HERE + drift)
    assert totp.matching_step(SECRET, code, NOW, 0) == (HERE + drift if good else None)


@pytest.mark.parametrize("last", [HERE, HERE + 1, HERE + 500])
def test_a_step_is_good_once(last: int) -> None:
    """Once a step was accepted, neither its code nor an earlier one is."""
    for step in (HERE - 1, HERE):
        assert totp.matching_step(SECRET, totp.code_at(SECRET, step), NOW, last) is None


def test_the_next_step_is_good_after_the_last() -> None:
    """Whoever waits for the next code can use it."""
    assert totp.matching_step(SECRET, totp.code_at(SECRET, HERE + 1), NOW, HERE) == HERE + 1


def test_nothing_is_before_the_first_step() -> None:
    """At the beginning of time there is no step before."""
    assert totp.matching_step(SECRET, HOTP[0], 0, -1) == 0


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "12345a", "１２３４５６", "-12345", "+12345", "1.2345", "٣٣٣٣٣٣"]
)
def test_what_is_no_code_is_refused(typed: str) -> None:
    """Only six ASCII digits are a code."""
    assert totp.matching_step(SECRET, typed, NOW, 0) is None


def test_spaces_do_not_matter() -> None:
    """A code may be typed as apps show it, in two groups."""
    code = totp.code_at(SECRET, HERE)
    assert totp.matching_step(SECRET, f" {code[:3]} {code[3:]}\n", NOW, 0) == HERE


def test_the_uri_is_read_by_another_implementation() -> None:
    """A QR code of ours makes an app show our codes, under the names of service and account."""
    uri = totp.provisioning_uri(SECRET, "notes.example", "ada+x@example.com")
    app = pyotp.parse_uri(uri)
    assert isinstance(app, pyotp.TOTP)
    assert (app.issuer, app.name) == ("notes.example", "ada+x@example.com")
    assert app.at(NOW) == totp.code_at(SECRET, HERE)


@pytest.mark.parametrize(
    "account", ["a&secret=AAAA@example.com", "a?b#c@example.com", "ä%@example.com", "a/b@example.com"]
)
def test_an_address_cannot_change_the_uri(account: str) -> None:
    """Whatever an address holds, the secret and the issuer stay the ones that are meant."""
    parts = urlsplit(totp.provisioning_uri(SECRET, "local host:8000", account))
    found = parse_qs(parts.query, strict_parsing=True)
    assert found["secret"] == [totp.written_secret(SECRET)]
    assert found["issuer"] == ["local host8000"]
    assert unquote(parts.path) == f"/local host8000:{account}"
