"""One address has one canonical form, whatever it was typed like."""

from __future__ import annotations

import pytest

from tallystick.errors import InvalidRequest
from tallystick.identity.identifier import canonical_email


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada@Example.COM ", "ada@example.com"),
        ("ada+notes@example.com", "ada+notes@example.com"),
        ("a.d.a@example.com", "a.d.a@example.com"),
        ("o'neil_{x}@sub.example.co", "o'neil_{x}@sub.example.co"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("ada@bu\u0308cher.example", "ada@xn--bcher-kva.example"),
        ("ada@例え.テスト", "ada@xn--r8jz45g.xn--zckzah"),
        ("A\u0308da@example.com", "äda@example.com"),
        ("Straße@example.com", "strasse@example.com"),
        ("ａｄａ＠example．com", "ada@example.com"),
        ("ⓐda@example.com", "ada@example.com"),
        ("ﬁona@example.com", "fiona@example.com"),
        ("1@2.example", "1@2.example"),
    ],
)
def test_spellings_of_one_address_are_one_account(typed: str, canonical: str) -> None:
    """Case, compatibility forms and the spelling of the domain do not make another account."""
    assert canonical_email(typed) == canonical
    assert canonical_email(canonical) == canonical


def test_cve_2026_47203_names_are_canonicalised_before_they_are_looked_up() -> None:
    """CVE-2026-47203: another case of the same name is not another name with a counter of its own."""
    assert canonical_email("ADA@EXAMPLE.COM") == canonical_email("ada@example.com")


@pytest.mark.parametrize(
    "address",
    [
        "ada@evil.example@example.com",
        "ada@evil.example＠example.com",
        '"ada@evil.example"@example.com',
        "@@",
        "ada@@example.com",
    ],
)
def test_cve_2026_40574_an_address_with_two_at_signs_is_refused(address: str) -> None:
    """CVE-2026-40574: an address with more than one @ has no domain that could be trusted, so it is none."""
    with pytest.raises(InvalidRequest) as refused:
        canonical_email(address)
    assert refused.value.code == "request.invalid"
    assert "exactly one @" in refused.value.public


@pytest.mark.parametrize(
    "sign", ["\x00", "\n", "\t", " ", "\u00a0", "\u00ad", "\u200b", "\u2028", "\ud800", "\u00b4", "\U000e0001"]
)
def test_what_cannot_be_seen_is_said(sign: str) -> None:
    """A space or an invisible character inside an address, also one that folding brings in, is named as the reason."""
    with pytest.raises(InvalidRequest) as refused:
        canonical_email(f"a{sign}da@example.com")
    assert "invisible" in refused.value.public


@pytest.mark.parametrize(
    "address",
    [
        "",
        " ",
        "ada",
        "@example.com",
        "ada@",
        "ada@example",
        "ada@.example.com",
        "ada@example.com.",
        "ada@example..com",
        "ada@-a.example",
        "ada@a-.example",
        "ada@ex_ample.com",
        "ada@exam ple.com",
        "ada@192.0.2.1",
        "ada@[192.0.2.1]",
        "ada@example.123",
        "ada@xn--.example",
        "ada@xn--abc-.example",
        "ada@xn--a-ecp.example",
        "ada@xn--é.example",
        "ada@☃.example",
        "ada@a。example",
        ".ada@example.com",
        "ada.@example.com",
        "a..da@example.com",
        "a da@example.com",
        "ada\t@example.com",
        "ada@example.com\r\nBcc: eve@evil.example",
        "ada\x00@example.com",
        "ada\u200b@example.com",
        "ada\u2028@example.com",
        "ada\u00a0x@example.com",
        "ada\ud800@example.com",
        "ada\U000e0001@example.com",
        "a\u00b4b@example.com",
        "<ada>@example.com",
        "ada(x)@example.com",
        'a"da@example.com',
        "a\\da@example.com",
        "a,b@example.com",
        "a" * 65 + "@example.com",
        "é" * 33 + "@example.com",
        "ada@" + "a" * 64 + ".example",
        "ada@" + "é" * 62 + ".example",
        "ada@" + "a." * 125 + "example",
        "a" * 64 + "@" + ".".join(["é" * 10] * 12),
        "é" * 20 + "@" + ".".join(["é" * 30] * 7),
        "a" * 60 + "@" + ".".join(["a" * 60] * 3) + ".exampleexample",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    """Anything else is refused with words that say why, and nothing of it is quoted."""
    with pytest.raises(InvalidRequest) as refused:
        canonical_email(address)
    assert refused.value.code == "request.invalid"
    assert "address" in refused.value.public or "@" in refused.value.public
    assert refused.value.public.endswith(".")


def test_a_letter_that_only_looks_alike_makes_another_account() -> None:
    """A Turkish dotless i, which some programs capitalise to the I of another address, stays a letter of its own."""
    assert canonical_email("\u0131da@example.com") != canonical_email("Ida@example.com")
