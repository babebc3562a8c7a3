"""Identifiers: one canonical form for each e-mail address, made once, before it is looked up, counted or stored.

Two spellings that could be meant as the same address have one form, so that they are one account and one counter. Mail
goes to the address as it was typed at sign-up, never to the canonical form.
"""

from __future__ import annotations

import re
from unicodedata import category, normalize

from tallystick.errors import InvalidRequest

ADDRESS_OCTETS_MAX = 254
LOCAL_OCTETS_MAX = 64
DOMAIN_OCTETS_MAX = 253
_LABEL_OCTETS_MAX = 63
_ATEXT = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]+")
"""What a local part without quotes consists of in ASCII, lower-cased (RFC 5321 section 4.1.2)."""
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_INVISIBLE = "CZ"
"""Unicode's groups of controls, surrogates, unassigned signs, and of separators."""


def canonical_email(email: str) -> str:
    """Gives the canonical form of an e-mail address; the form of a form is itself.

    Case and compatibility forms are folded (NFKC and casefold in the local part, NFKC and lower case in the domain), and an
    internationalised domain is written in its ASCII form (RFC 5890 section 2.3.2.1). Spaces around it are dropped. Dots
    and `+tags` of the local part stay: what they mean is known to the mail server alone.

    Args:
        email: the address as typed.

    Raises:
        InvalidRequest: it is no address; `public` says what is wrong.
    """
    text = email.strip(" ")
    if not 0 < len(text) <= ADDRESS_OCTETS_MAX:
        raise _refused(f"An e-mail address has 1 to {ADDRESS_OCTETS_MAX} characters.")
    folded = normalize("NFKC", text)
    # Judged as folded: a wide ＠ is an @, and some signs fold to a space before an accent.
    _demand_visible(folded)
    if folded.count("@") != 1:
        raise _refused("An e-mail address has exactly one @.")
    local, _, domain = folded.partition("@")
    canonical = f"{_local(local)}@{_domain(domain)}"
    if len(canonical.encode()) > ADDRESS_OCTETS_MAX:
        raise _refused("The e-mail address is too long.")
    return canonical


def _refused(public: str) -> InvalidRequest:
    return InvalidRequest("no e-mail address", public=public)


def _demand_visible(text: str) -> None:
    if any(category(sign)[0] in _INVISIBLE for sign in text):
        raise _refused("The e-mail address has a space or an invisible character in it.")


def _folded(text: str) -> str:
    """Folds case and compatibility forms to a form that folds to itself (NFKC_Casefold, Unicode section 3.13)."""
    return normalize("NFKC", normalize("NFKC", normalize("NFD", text).casefold()).casefold())


def _local(text: str) -> str:
    folded = _folded(text)
    ascii_only = "".join(sign for sign in folded if sign.isascii())
    if not folded or (ascii_only and not _ATEXT.fullmatch(ascii_only)):
        raise _refused("The part before the @ is empty or has a character that is not allowed.")
    if folded[0] == "." or folded[-1] == "." or ".." in folded:
        raise _refused("The part before the @ begins or ends with a dot, or has two in a row.")
    if len(folded.encode()) > LOCAL_OCTETS_MAX:
        raise _refused("The part before the @ is too long.")
    return folded


def _domain(text: str) -> str:
    labels = [_label(label) for label in normalize("NFKC", text.lower()).split(".")]
    # RFC 3696 section 2: a top-level domain is not all digits, which also keeps addresses of hosts out.
    if len(labels) < 2 or labels[-1].isdigit():
        raise _refused("The part after the @ is not a domain name.")
    domain = ".".join(labels)
    if len(domain) > DOMAIN_OCTETS_MAX:
        raise _refused("The part after the @ is too long.")
    return domain


def _label(text: str) -> str:
    """Gives the ASCII form of one label of a domain name; one that is in that form already must be of the same Unicode form."""
    if text.startswith("xn--"):
        try:
            unicode_form = text[4:].encode("ascii").decode("punycode")
        except UnicodeError:
            unicode_form = ""
        if unicode_form.isascii() or _label(unicode_form) != text:
            raise _refused("The part after the @ is not a domain name.")
        return text
    label = text
    if not text.isascii():
        if text != normalize("NFKC", normalize("NFKC", text).lower()) or not all(_is_letter(sign) for sign in text):
            raise _refused("The part after the @ has a character that is not allowed.")
        label = "xn--" + text.encode("punycode").decode("ascii")
    if len(label) > _LABEL_OCTETS_MAX or not _LABEL.fullmatch(label):
        raise _refused("The part after the @ is not a domain name.")
    return label


def _is_letter(sign: str) -> bool:
    return sign == "-" or category(sign)[0] in "LM" or category(sign) == "Nd"
