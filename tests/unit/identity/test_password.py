"""New passwords: long enough, not common, and nothing else."""

from __future__ import annotations

import pytest

from tallystick.errors import InvalidRequest, Misconfigured, PasswordRefused
from tallystick.identity.password import PasswordParameters, PasswordRules, check_new_password, normalised

ALONE = PasswordRules()
WITH_SECOND_FACTOR = PasswordRules(minimum=8)
CONTEXT = ("ada.lovelace@example.com", "https://notes.example/auth")


@pytest.mark.parametrize(
    "password",
    [
        "seven notches on a hazel stick",
        "correct horse battery",
        "kx83jfm20slq92m",
        "               z q v w",
        "зима лето осень весна",
        "短いけれど十五文字以上のパスワード",
        "👩‍🚀 flies to the 🌙 tonight",
        "~!@ #$% ^&* ()_ plain ASCII",
        "notes.example is where I keep my secrets",
        "q" + "z4R#" * 15 + "p",
    ],
)
def test_good_passwords_pass_as_they_are(password: str) -> None:
    """Any printable text that is long enough is good: no digit, capital or sign is asked for."""
    assert check_new_password(password, ALONE, context=CONTEXT) == password


def test_sixty_four_characters_and_more_are_accepted() -> None:
    """64 characters must be accepted; we take 256."""
    password = "".join(chr(0x4E00 + n * 7) for n in range(256))
    assert check_new_password(password, ALONE) == password
    with pytest.raises(PasswordRefused):
        check_new_password(password + "x", ALONE)


@pytest.mark.parametrize(("rules", "length"), [(ALONE, 15), (WITH_SECOND_FACTOR, 8)])
def test_the_minimum_is_counted_in_characters(rules: PasswordRules, length: int) -> None:
    """Each code point is one character, however many bytes it has."""
    password = "зк7ртмёqюя3ыбdф"[:length]
    assert check_new_password(password, rules) == password
    with pytest.raises(PasswordRefused) as refused:
        check_new_password(password[:-1], rules)
    assert str(length) in refused.value.public


@pytest.mark.parametrize(
    "password",
    [
        "12345678987654321",
        "QAZWSXEDCRFVTGB",
        "passwordpassword",
        "PasswordPassword1",
        "aaaaaaaaaaaaaaa",
        "123456789012345",
        "987654321098765",
        "abcdefghijklmno",
        "qwertyuiopasdfg",
        "QWERTZUIOPQWERTZ",
        "1qaz2wsx3edc4rfv",
        "1q2w3e4r5t6y7u8i9o",
        "aabbccddeeffgghh",
        "111222333444556",
        "aaabbbcccdddeee",
        "zzzyyyxxxwwwvvvuuu",
        "password1234567",
        "monkeydragon1234",
        "iloveyouiloveyou!",
        "hunterhunterhunter",
        "x7#x7#x7#x7#x7#x7#",
        "monkeydragonmonkeydragon",
        "dragon            ",
    ],
)
def test_what_is_guessed_early_is_refused(password: str) -> None:
    """Common passwords, repetitions, runs and common ones with little added are refused although they are long."""
    with pytest.raises(PasswordRefused) as refused:
        check_new_password(password, ALONE)
    assert refused.value.code == "password.refused"
    assert password not in str(refused.value)


@pytest.mark.parametrize("password", ["password", "iloveyou", "12345678", "abcd1234", "Monkey12", "trustno1"])
def test_short_common_passwords_are_refused_beside_a_second_factor(password: str) -> None:
    """With a second factor eight characters are enough, but not these."""
    with pytest.raises(PasswordRefused):
        check_new_password(password, WITH_SECOND_FACTOR)


@pytest.mark.parametrize(
    "password",
    [
        "ada.lovelace@example.com",
        "AdaLovelace1815!!",
        "lovelaceada1815",
        "example example example",
        "notes.example/auth",
        "notes-notes-notes",
    ],
)
def test_the_own_address_and_the_service_are_no_password(password: str) -> None:
    """A password that is made of the e-mail address or of the service's name is refused, and the reason is said."""
    with pytest.raises(PasswordRefused) as refused:
        check_new_password(password, ALONE, context=CONTEXT)
    assert "e-mail address" in refused.value.public


def test_short_words_of_the_context_do_not_count() -> None:
    """A name of three letters inside a password says nothing."""
    assert check_new_password("canada geese fly", ALONE, context=("ada@x.io",))


def test_the_reason_is_given() -> None:
    """Whoever is refused reads why: too short, common, guessed early, or a sign that cannot be used."""
    reasons = {}
    for password in ("short", "12345678987654321", "aaaaaaaaaaaaaaa", "a tab \t in between", "\ud800" * 20, "x" * 300):
        with pytest.raises(PasswordRefused) as refused:
            check_new_password(password, ALONE)
        reasons[password] = refused.value.public
    assert len(set(reasons.values())) == len(reasons)


def test_an_own_blocklist_takes_the_place_of_the_shipped_one() -> None:
    """An operator can hand in another list, or an empty one; what is guessed by its build stays refused."""
    own = PasswordRules(minimum=8, blocklist=frozenset({"hazel stick"}))
    assert check_new_password("trustno1", own) == "trustno1"
    for password in ("Hazel Stick", "aaaaaaaa"):
        with pytest.raises(PasswordRefused):
            check_new_password(password, own)


@pytest.mark.parametrize(
    "password", ["12345678987654321", "ContortionistContortionist"[:13] + "s!", "PasswordStandard"]
)
def test_a_common_password_is_called_so(password: str) -> None:
    """Whoever picks one of the list in any case reads that it is common; what is not on the list is not called so."""
    rules = PasswordRules(blocklist=frozenset({"12345678987654321", "contortionists!", "passwordstandard"}))
    with pytest.raises(PasswordRefused) as refused:
        check_new_password(password, rules)
    assert "most common" in refused.value.public


def test_unicode_spellings_of_a_password_are_one_password() -> None:
    """A letter with a combining accent is the letter with the accent, and every kind of space is a space."""
    assert normalised("cafe\u0301\u00a0au\u3000lait") == normalised("café au lait") == "café au lait"


def test_compatibility_forms_are_different_passwords() -> None:
    """A wide letter is not the plain one: nothing that was typed is thrown away."""
    assert normalised("ａ") != normalised("a")


def test_nothing_is_cut_off() -> None:
    """Two passwords that differ after the 72nd byte stay different."""
    assert normalised("x" * 100 + "a") != normalised("x" * 100 + "b")


@pytest.mark.parametrize("password", ["x" * 257, "\ud800", "𝄞" * 256 + "x", "\ufb2c" * 200, "é" * 256 + "z"])
def test_what_cannot_be_hashed_is_refused_before(password: str) -> None:
    """More than 256 characters or 1,024 bytes, or half a character, are refused for everybody alike."""
    with pytest.raises(InvalidRequest) as refused:
        normalised(password)
    assert refused.value.code == "request.invalid"
    assert refused.value.__cause__ is None


def test_the_longest_password_is_hashed() -> None:
    """256 characters of four bytes are 1,024 bytes."""
    assert normalised("𐍈" * 256) == "𐍈" * 256


@pytest.mark.parametrize("minimum", [7, 65, 0])
def test_rules_outside_of_the_standard_are_refused(minimum: int) -> None:
    """No setting makes passwords shorter than eight characters, or asks for more than 64."""
    with pytest.raises(Misconfigured):
        PasswordRules(minimum=minimum)


@pytest.mark.parametrize(
    ("memory_kib", "time_cost", "parallelism"),
    [(7, 1, 1), (31, 1, 4), (64, 0, 1), (64, 101, 1), (64, 1, 0), (200, 1, 17), (2**22 + 1, 1, 1)],
)
def test_parameters_that_argon2_cannot_have_are_refused(memory_kib: int, time_cost: int, parallelism: int) -> None:
    """Costs that Argon2 has no meaning for are a mistake of the settings."""
    with pytest.raises(Misconfigured):
        PasswordParameters(memory_kib, time_cost, parallelism)


def test_the_default_cost_is_what_owasp_asks_for() -> None:
    """19 MiB, two passes, one lane."""
    assert PasswordParameters() == PasswordParameters(19456, 2, 1)
