"""The rules of identity hold for every input, not only for those somebody thought of."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.core.ids import ClientId
from tallystick.errors import InvalidRequest, PasswordRefused
from tallystick.identity.identifier import canonical_email
from tallystick.identity.password import PasswordParameters, PasswordRules, check_new_password, normalised
from tallystick.identity.stored_hash import needs_rehash, parse
from tallystick.identity.throttle import Attempts, Rule, allowed_at, begin, network_of, succeeded, taken_back
from tallystick.oauth.client import CLIENT_KINDS, new_client
from tallystick.oauth.uris import matches_redirect, why_not_redirect

T = TypeVar("T")
INSTANTS = st.integers(0, 2**34)
JITTER = st.floats(0, 1)
ANY_TEXT = st.text(st.characters(codec=None), max_size=300)
ADDRESSES = st.builds("{}@{}.{}".format, st.text(max_size=20), st.text(max_size=20), st.text(max_size=10))


def attempt(call: Callable[..., T], *args: object, **more: object) -> tuple[T | None, str]:
    """Gives what a call gave and no words, or nothing and the public words of its refusal."""
    try:
        return call(*args, **more), ""
    except InvalidRequest as refused:
        return None, refused.public


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Draws a rule that can be built."""
    first = draw(st.integers(1, 1000))
    cap = draw(st.integers(first, first * 1000))
    return Rule(draw(st.integers(0, 80)), first, cap, draw(st.integers(cap, cap * 10)), draw(st.floats(0, 0.5)))


ATTEMPTS = st.builds(Attempts, st.integers(0, 10**9), INSTANTS)


@given(ATTEMPTS, rules(), JITTER)
def test_no_delay_is_longer_than_the_cap_and_more_failures_never_shorten_it(
    held: Attempts, rule: Rule, jitter: float
) -> None:
    """The delay grows with the failures and ends at the cap, so nobody is locked out for good."""
    wait = max(0, allowed_at(held, rule, jitter) - held.last_at)
    more = max(0, allowed_at(Attempts(held.failures + 1, held.last_at), rule, jitter) - held.last_at)
    assert 0 <= wait <= more <= rule.cap_s


@given(rules(), JITTER, st.integers(1, 300), INSTANTS)
def test_guesses_sent_at_once_are_all_counted(rule: Rule, jitter: float, guesses: int, now: int) -> None:
    """However many come in the same second, no more than the free ones and one are let through."""
    held, let_through = Attempts(), 0
    for _ in range(guesses):
        let_through += allowed_at(held, rule, jitter) <= now
        held = begin(held, now, rule, jitter)
    assert let_through == min(guesses, rule.free + 1)
    assert held.failures == let_through


@given(ATTEMPTS, rules(), JITTER, INSTANTS)
def test_after_any_history_a_cap_of_waiting_is_enough(held: Attempts, rule: Rule, jitter: float, now: int) -> None:
    """Whatever is stored, also by a clock that was wrong, the second attempt after a cap of waiting is allowed."""
    first = begin(held, now, rule, jitter)
    later = max(now, min(first.last_at, now + rule.cap_s)) + rule.cap_s
    assert allowed_at(first, rule, jitter) <= later
    assert begin(first, later, rule, jitter).failures <= rule.full


@given(ATTEMPTS, rules(), JITTER, INSTANTS)
def test_time_takes_failures_back(held: Attempts, rule: Rule, jitter: float, now: int) -> None:
    """After a long quiet time an attempt is the first one again."""
    quiet = begin(Attempts(min(held.failures, rule.full), now), now + rule.decay_s * (rule.full + 1), rule, jitter)
    assert quiet.failures == 1


@given(rules(), st.lists(st.tuples(st.integers(0, 5000), JITTER), max_size=60))
def test_waiting_out_delays_gains_no_guess(rule: Rule, steps: list[tuple[int, float]]) -> None:
    """Over any time one gets at most the free guesses, one for each doubling, and one for each shortest full delay."""
    held, now, let_through = Attempts(), 0, 0
    for wait, jitter in steps:
        now += wait
        let_through += allowed_at(held, rule, jitter) <= now
        held = begin(held, now, rule, jitter)
    assert let_through <= rule.full + 1 + now / (rule.cap_s * (1 - rule.spread))


@given(ATTEMPTS, INSTANTS)
def test_a_right_proof_never_adds_a_failure(held: Attempts, now: int) -> None:
    """What a right proof leaves behind is never worse than what was there."""
    assert succeeded(held, now).failures == 0
    assert taken_back(held).failures <= held.failures
    assert succeeded(held, now).last_at >= held.last_at


@given(ANY_TEXT)
def test_every_address_has_a_network(address: str) -> None:
    """Whatever a proxy hands on as an address counts for some network."""
    assert network_of(address)


@given(st.ip_addresses(v=6))
def test_all_addresses_of_a_household_count_together(address: object) -> None:
    """Two addresses of one /64 are one network."""
    number = int(address)  # type: ignore[call-overload]
    if number >> 32 != 0xFFFF:
        groups = f"{number:032x}"
        text = ":".join(groups[at : at + 4] for at in range(0, 16, 4))
        assert network_of(str(address)) == network_of(f"{text}:ffff:1:2:3")


@given(ANY_TEXT | ADDRESSES)
def test_a_canonical_address_is_its_own_canonical_form(email: str) -> None:
    """Any text is either refused with a typed error or has one form, which is stable, short and has one @."""
    canonical, reason = attempt(canonical_email, email)
    if canonical is None:
        assert reason
        return
    assert canonical_email(canonical) == canonical
    assert canonical_email(f" {email} ") == canonical
    assert canonical.count("@") == 1
    assert len(canonical.encode()) <= 254
    assert canonical.rpartition("@")[2].isascii()


def test_every_letter_folds_to_a_form_that_stays() -> None:
    """No single sign of Unicode's first two planes has a form that folds further."""
    forms = [attempt(canonical_email, f"x{chr(number)}@example.com")[0] for number in range(0x20000)]
    found = [form for form in forms if form is not None]
    assert len(found) > 50_000
    assert [form for form in found if canonical_email(form) != form] == []


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12))
def test_case_makes_no_other_account(local: str) -> None:
    """An address and the same in small letters are one account, by each of Unicode's ways to make letters small."""
    spellings = (local, local.lower(), local.casefold(), local.lower().casefold())
    found = {attempt(canonical_email, f"{spelling}@example.com")[0] for spelling in spellings}
    assert len(found - {None}) <= 1


@given(ANY_TEXT)
def test_a_password_is_normalised_once(password: str) -> None:
    """Any text is either refused with a typed error or has one form, which is stable and can be hashed."""
    text, reason = attempt(normalised, password)
    if text is None:
        assert reason
        return
    assert normalised(text) == text
    assert len(text.encode()) <= 1024


@given(ANY_TEXT, ANY_TEXT)
def test_a_new_password_is_taken_or_refused_with_a_reason(password: str, context: str) -> None:
    """No text breaks the rules themselves, and no reason quotes the password."""
    taken, reason = attempt(check_new_password, password, PasswordRules(minimum=8), context=(context,))
    if taken is not None:
        assert taken == normalised(password)
    else:
        assert reason
        assert len(password) < 8 or password not in reason


@given(st.text(st.sampled_from(string.ascii_letters + string.digits), min_size=1, max_size=6), st.integers(3, 40))
def test_repeating_a_short_part_makes_no_good_password(part: str, times: int) -> None:
    """A part of at most six characters is not better for being repeated."""
    with pytest.raises(PasswordRefused):
        check_new_password(part * times, PasswordRules(minimum=8))


@given(ANY_TEXT | st.from_regex(r"\$(argon2id|scrypt|2b|pepper)\$[a-z0-9=,$/+.]{0,120}"))
def test_a_stored_hash_is_read_or_refused(stored: str) -> None:
    """No stored text breaks the reader, and what is read can be judged."""
    found, reason = attempt(parse, stored)
    if found is None:
        assert reason
    else:
        assert needs_rehash(stored, PasswordParameters()) in (True, False)


URIS = st.builds(
    "{}://{}{}".format,
    st.sampled_from(["https", "http", "com.example.app", "HTTPS", "javascript", "data", ""]),
    st.sampled_from(["app.example", "127.0.0.1:80", "[::1]", "localhost", "localhost:80@evil.example", "", "a*"]),
    st.text(max_size=30),
)


@given(URIS | ANY_TEXT, st.booleans())
def test_a_redirect_uri_is_judged_whatever_it_is(uri: str, native: bool) -> None:
    """Any text is good or has a reason; a good one has no fragment, no pattern, no credentials, and matches itself."""
    if why_not_redirect(uri, native=native) is None:
        assert not set("#*\\ \n") & set(uri)
        assert native or uri.startswith("https://")
        assert matches_redirect(uri, uri, native=native)


@given(
    st.text(max_size=120),
    st.sampled_from([*CLIENT_KINDS, "browser", ""]),
    st.lists(URIS | ANY_TEXT, max_size=3),
    st.lists(URIS | ANY_TEXT, max_size=3),
    st.lists(st.text(max_size=10), max_size=3),
)
def test_a_client_is_born_whole_or_not_at_all(
    name: str, kind: str, uris: list[str], audiences: list[str], scopes: list[str]
) -> None:
    """Any fields make a client that keeps every rule, or an error that names the field."""
    fields = ("kind", "name", "redirect_uris", "post_logout_redirect_uris", "audiences", "scopes")
    client, reason = attempt(
        new_client,
        ClientId.of(bytes(16)),
        name,
        kind=kind,
        redirect_uris=uris,
        audiences=audiences,
        scopes=scopes,
        now=1,
    )
    if client is None:
        assert reason.startswith(fields)
        return
    assert client.redirect_uris == tuple(uris)
    assert client.kind in CLIENT_KINDS
    assert client.enabled
