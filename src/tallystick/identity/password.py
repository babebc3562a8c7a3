"""Passwords: what a new one must be (NIST SP 800-63B-4 section 3.1.1), and how they are hashed.

Length and a blocklist decide, nothing else: no composition rules, no hints, no expiry.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from unicodedata import category, normalize

from tallystick.errors import InvalidRequest, Misconfigured, PasswordRefused
from tallystick.identity.blocklist import common_passwords
from tallystick.identity.guessable import is_guessable

LENGTH_MIN_SINGLE_FACTOR = 15
LENGTH_MIN_WITH_SECOND_FACTOR = 8
LENGTH_MAX = 256
OCTETS_MAX = 1024
_OWN_CHARACTERS_MIN = 8
_CONTEXT_WORD_SHORTEST = 4


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """What a new password must be.

    Args:
        minimum: the least number of characters: 15 where a password alone signs in, 8 where a second factor is asked for
            (8 to 64).
        blocklist: common passwords in lower case; None for the list that is shipped.
    """

    minimum: int = LENGTH_MIN_SINGLE_FACTOR
    blocklist: Container[str] | None = None

    def __post_init__(self) -> None:
        if not LENGTH_MIN_WITH_SECOND_FACTOR <= self.minimum <= 64:
            raise Misconfigured(f"the shortest password is {self.minimum} characters; it must lie between 8 and 64")


@dataclass(frozen=True, slots=True)
class PasswordParameters:
    """What a hash costs: Argon2id (RFC 9106).

    Args:
        memory_kib: memory, KiB (8 for each lane, to 4 GiB).
        time_cost: passes over it (1 to 100).
        parallelism: lanes (1 to 16).
    """

    memory_kib: int = 19 * 1024
    time_cost: int = 2
    parallelism: int = 1

    def __post_init__(self) -> None:
        # RFC 9106 section 3.1: at least 8 KiB for each lane.
        if not (
            1 <= self.parallelism <= 16
            and 1 <= self.time_cost <= 100
            and 8 * self.parallelism <= self.memory_kib <= 2**22
        ):
            raise Misconfigured(
                "Argon2id needs 1 to 16 lanes, 1 to 100 passes and from 8 KiB for each lane to 4 GiB of memory"
            )


def normalised(password: str) -> str:
    """Gives the form of a password that is hashed: NFC, every space a plain one (RFC 8265 section 4.2.2).

    Raises:
        InvalidRequest: it is longer than 256 characters or 1,024 bytes, or has half of a surrogate pair in it. That is so
            whether there is an account or not.
    """
    if len(password) > LENGTH_MAX:
        raise InvalidRequest("a password that is too long", public=f"A password has at most {LENGTH_MAX} characters.")
    text = normalize("NFC", "".join(" " if category(sign) == "Zs" else sign for sign in password))
    try:
        octets = len(text.encode())
    except UnicodeEncodeError:
        # The error would carry the password.
        octets = -1
    if octets < 0:
        raise InvalidRequest("a password that is no Unicode text", public="The password is not valid text.")
    if len(text) > LENGTH_MAX or octets > OCTETS_MAX:
        raise InvalidRequest("a password that is too long", public="The password is too long.")
    return text


def check_new_password(password: str, rules: PasswordRules, *, context: Sequence[str] = ()) -> str:
    """Checks a new password and gives its normalised form, which is what is hashed.

    Args:
        password: as typed; nothing is cut off it.
        rules: what it must be.
        context: texts whose words it must not be made of: the identifier, the issuer.

    Raises:
        PasswordRefused: it breaks a rule; `public` says which.
    """
    try:
        text = normalised(password)
    except InvalidRequest as error:
        raise PasswordRefused("not hashable", public=error.public) from None
    if len(text) < rules.minimum:
        raise PasswordRefused("too short", public=f"A password has at least {rules.minimum} characters.")
    # Signs that Unicode has not assigned may be normalised otherwise by a later version, and would lock their owner out.
    if any(category(sign) in ("Cc", "Cn", "Zl", "Zp") for sign in text):
        raise PasswordRefused("unusual signs", public="The password has a character that cannot be used in passwords.")
    folded = normalize("NFC", text.casefold())
    common = common_passwords() if rules.blocklist is None else rules.blocklist
    if folded in common:
        raise PasswordRefused("on the blocklist", public="This password is among the most common ones.")
    if _is_context(folded, context):
        raise PasswordRefused(
            "made of context words",
            public="The password is made of your e-mail address or of the name of this service.",
        )
    if is_guessable(folded, common):
        raise PasswordRefused(
            "guessable by its build",
            public="The password is guessed early: it repeats itself, follows the keyboard or is a common one with "
            "little added. Put several unrelated words together.",
        )
    return text


def _is_context(folded: str, context: Sequence[str]) -> bool:
    """Tells whether too little of its own remains of a password without the words of its context."""
    words = {word for text in context for word in _words_of(text.casefold())}
    rest = folded
    for word in sorted(words, key=lambda word: (-len(word), word)):
        rest = rest.replace(word, "\n")
    own = rest.replace("\n", "")
    return own != folded and len(own) < _OWN_CHARACTERS_MIN


def _words_of(text: str) -> set[str]:
    whole = text.partition("://")[2] or text
    local = whole.partition("@")[0]
    words = {whole, local, re.sub(r"[\W_]+", "", local), *re.split(r"[\W_]+", whole)}
    return {word for word in words if len(word) >= _CONTEXT_WORD_SHORTEST}
