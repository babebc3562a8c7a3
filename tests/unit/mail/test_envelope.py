"""Nothing that a person typed can become a header of a mail, or a second recipient."""

from __future__ import annotations

from email.policy import SMTP

import pytest

from tallystick.errors import InvalidRequest, Misconfigured
from tallystick.mail.envelope import SUBJECT_LENGTH_MAX, checked_sender, message_of, postal

SENDER = checked_sender("notes@notes.example", "Notes")
NOW = 1_800_000_000
INJECTIONS = [
    "ada@example.com\r\nBcc: eve@example.com",
    "ada@example.com\nBcc: eve@example.com",
    "ada@example.com\rBcc: eve@example.com",
    "ada@example.com\x00",
    "ada@example.com\u2028Bcc: eve@example.com",
    "ada@example.com\x85Bcc: eve@example.com",
    "ada@example.com, eve@example.com",
    "ada@example.com;eve@example.com",
    "Ada <ada@example.com>",
    "<ada@example.com>",
    '"ada@evil.example, x"@example.com',
    "ada@example.com (comment)",
    "ada@[127.0.0.1]",
    "ada@example.com>\r\nRCPT TO:<eve@example.com",
]


@pytest.mark.parametrize("typed", INJECTIONS)
def test_an_address_with_more_than_an_address_in_it_is_refused(typed: str) -> None:
    """Line ends, lists, names, comments and quotes in an address never reach a mail server."""
    with pytest.raises(InvalidRequest):
        postal(typed)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("ada@example.com", "ada@example.com"),
        (" Ada.Lovelace+notes@Example.COM ", "Ada.Lovelace+notes@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("jürgen@example.com", "jürgen@example.com"),
        ("ada＠example.com", "ada@example.com"),
        ("o'neil!#$%&*=?^_`{|}~@example.com", "o'neil!#$%&*=?^_`{|}~@example.com"),
    ],
)
def test_mail_goes_to_the_address_as_it_was_typed_and_to_its_domain_in_ascii(typed: str, sent: str) -> None:
    """The part before the @ is the mail server's affair and stays as it is; the domain is written for the network."""
    assert postal(typed).addr_spec == sent


@pytest.mark.parametrize("subject", ["a\r\nBcc: eve@example.com", "a\nb", "a\x00b", "a\u2028b", "a\x7f"])
def test_a_subject_that_is_no_line_is_refused(subject: str) -> None:
    """A template cannot write a second header by its subject."""
    with pytest.raises(ValueError, match="control"):
        message_of(SENDER, postal("ada@example.com"), subject, "t", "<p>h</p>", now=NOW, name="n")


def test_a_message_has_the_headers_of_a_machine_and_both_forms() -> None:
    """A mail says that no person wrote it, when, and to one recipient; it has a text and an HTML form."""
    message = message_of(SENDER, postal("jürgen@example.com"), "Grüße " * 60, "text", "<p>html</p>", now=NOW, name="n1")
    again = message.as_bytes(policy=SMTP.clone(utf8=True)).decode()
    assert message["From"] == "Notes <notes@notes.example>"
    assert message["To"] == "jürgen@example.com"
    assert message["Message-ID"] == "<n1@notes.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"] == "Fri, 15 Jan 2027 08:00:00 +0000"
    assert len(str(message["Subject"])) <= SUBJECT_LENGTH_MAX
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert again.count("\nTo:") == 1
    assert "\nBcc:" not in again


@pytest.mark.parametrize(
    ("address", "name"),
    [("notes", ""), ("a@b.example\r\nX: y", ""), ("a@b.example", "No\r\ntes"), ("a b@c.example", "")],
)
def test_a_sender_that_is_none_is_a_mistake_of_the_settings(address: str, name: str) -> None:
    """Whoever sets up mail hears at the start that the sender cannot work."""
    with pytest.raises(Misconfigured):
        checked_sender(address, name)


def test_a_name_of_a_sender_may_have_any_letters() -> None:
    """Quotes and commas in the name stay in the name."""
    sender = checked_sender("notes@notes.example", 'Notes, "the" team <x>')
    message = message_of(sender, postal("ada@example.com"), "s", "t", "h", now=NOW, name="n")
    assert [one.addr_spec for one in message["From"].addresses] == ["notes@notes.example"]
