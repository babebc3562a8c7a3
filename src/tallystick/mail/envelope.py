"""Addresses and messages as they go on the wire: nothing that a person typed can become a header, or a second recipient."""

from __future__ import annotations

from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from unicodedata import category

from tallystick.errors import InvalidRequest, Misconfigured
from tallystick.identity.identifier import canonical_email

SUBJECT_LENGTH_MAX = 150
_BROKEN = (ValueError, HeaderParseError, IndexError)


def postal(email: str) -> Address:
    """Gives where mail for an address goes: the part before the @ as it was typed, the domain in its ASCII form.

    Args:
        email: the address as it was typed at sign-up.

    Raises:
        InvalidRequest: no mail can be sent there.
    """
    canonical_local, _, domain = canonical_email(email).rpartition("@")
    typed, at, _ = email.strip(" ").rpartition("@")
    # Where the @ itself was typed in another form, nothing but the canonical form is sure.
    local = typed if at else canonical_local
    try:
        return Address(username=local, domain=domain)
    except _BROKEN:
        raise InvalidRequest("no mail can be sent to this address", public="No mail can be sent there.") from None


def checked_sender(address: str, name: str) -> Address:
    """Gives the address that mail comes from.

    Raises:
        Misconfigured: it is no address, or the name has a character that cannot stand in a header.
    """
    if any(category(sign)[0] == "C" for sign in name):
        raise Misconfigured("the name of the sender of mail has a control character")
    try:
        canonical_email(address)
        local, _, domain = address.strip(" ").rpartition("@")
        return Address(name, username=local, domain=domain)
    except (InvalidRequest, *_BROKEN):
        raise Misconfigured("the sender of mail is no e-mail address") from None


def message_of(
    sender: Address, to: Address, subject: str, text: str, html: str, *, now: int, name: str
) -> EmailMessage:
    """Builds a message: text with an HTML alternative, marked as written by a machine (RFC 3834 section 5).

    Args:
        sender: from whom.
        to: the one recipient.
        subject: one line; what is longer than 150 characters is cut.
        text: the plain form.
        html: the same in HTML.
        now: the instant, for the date.
        name: random text of visible ASCII, for the Message-ID.

    Raises:
        ValueError: the subject would break out of its header.
    """
    message = EmailMessage(policy=SMTP)
    if any(category(sign)[0] == "C" or sign in "\u2028\u2029" for sign in subject):
        raise ValueError("a control character in the subject")
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject[:SUBJECT_LENGTH_MAX]
    message["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    message["Message-ID"] = f"<{name}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message
