"""Letters are written from templates, which an operator may replace; what is put into HTML is escaped."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path
from typing import get_args

import pytest

from tallystick.core.secret import Secret
from tallystick.errors import Misconfigured
from tallystick.mail.envelope import checked_sender
from tallystick.mail.letters import WORDS, Letters
from tallystick.mail.queued import LONGEST_PAUSE_S, SPREAD, pause_s
from tallystick.ports import Letter, LetterKind

SENDER = checked_sender("notes@notes.example", "Notes")
ISSUER = "https://notes.example/auth"
NOW = 1_800_000_000
LINK = "https://notes.example/auth/reset?link=tsh_secret"


def words(kind: str) -> dict[str, str | int | Secret]:
    """Gives words for every kind."""
    given: dict[str, str | int | Secret] = {name: f"the {name}" for name in WORDS[kind]}
    return given | ({"link": Secret(LINK)} if "link" in given else {})


def parts(message: EmailMessage) -> tuple[str, str]:
    """Gives text and HTML."""
    text, html = message.iter_parts()
    return str(text.get_content()), str(html.get_content())


def test_every_kind_has_its_templates() -> None:
    """No letter that can be asked for lacks a template."""
    assert set(WORDS) == set(get_args(LetterKind))


@pytest.mark.parametrize("kind", sorted(WORDS))
def test_a_letter_has_all_of_its_words_in_both_forms(kind: LetterKind) -> None:
    """Whoever reads only text, and whoever reads only HTML, learn the same."""
    message = Letters(SENDER, ISSUER).write(Letter(kind, "ada@example.com", NOW, words(kind)), now=NOW, name="n")
    for body in parts(message):
        for word in words(kind).values():
            assert (word.reveal() if isinstance(word, Secret) else str(word)) in body
        assert "notes.example" in body
    assert "notes.example" in message["Subject"]


def test_what_is_put_into_html_is_escaped_and_stays_in_its_line() -> None:
    """A browser that calls itself something clever adds no markup and no lines to a mail."""
    evil = '<script>alert(1)</script>\r\n\r\nSubject: x\n"&'
    letter = Letter("new_device", "ada@example.com", NOW, words("new_device") | {"device": evil})
    text, html = parts(Letters(SENDER, ISSUER).write(letter, now=NOW, name="n"))
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Subject: x &#34;&amp;" in html
    assert 'Device:  <script>alert(1)</script> Subject: x "&\n' in text


def test_a_folder_replaces_templates_one_by_one(tmp_path: Path) -> None:
    """An operator's template is used in the place of ours, the others stay."""
    (tmp_path / "reset.txt").write_text("Subject: Neues Passwort für {{ service }}\n\nHier: {{ link }}\n")
    letters = Letters(SENDER, ISSUER, tmp_path)
    message = letters.write(Letter("reset", "ada@example.com", NOW, words("reset")), now=NOW, name="n")
    text, html = parts(message)
    assert message["Subject"] == "Neues Passwort für notes.example"
    assert text.strip() == f"Hier: {LINK}"
    assert "Choose a new password" in html


@pytest.mark.parametrize(
    "template",
    [
        "no subject\n\ntext",
        "Subject: {{ unknown_word }}\n\ntext",
        "Subject: {% broken\n\ntext",
        "Subject: x\n\n{% include 'missing.txt' %}",
        "Subject: x\n\n{{ link / 0 }}",
    ],
)
def test_a_template_that_cannot_work_is_found_at_the_start(template: str, tmp_path: Path) -> None:
    """A mistake in a template stops the start, not the first mail, and is told without the words of a letter."""
    (tmp_path / "reset.txt").write_text(template)
    with pytest.raises(Misconfigured) as caught:
        Letters(SENDER, ISSUER, tmp_path)
    assert "reset" in caught.value.detail


def test_a_template_whose_subject_has_two_lines_writes_no_header(tmp_path: Path) -> None:
    """A subject that would break out of its header is an error of the template."""
    (tmp_path / "reset.txt").write_text("Subject: a{{ '\\x0bb' }}\n\ntext")
    with pytest.raises(Misconfigured):
        Letters(SENDER, ISSUER, tmp_path).write(Letter("reset", "a@b.example", NOW, words("reset")), now=NOW, name="n")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A wrong path is a mistake of the settings."""
    with pytest.raises(Misconfigured):
        Letters(SENDER, ISSUER, tmp_path / "none")


def test_a_letter_prints_none_of_its_words() -> None:
    """What prints a letter shows its kind: no address and no link."""
    assert repr(Letter("reset", "ada@example.com", NOW, words("reset"))) == "Letter(reset)"


def test_pauses_double_up_to_five_minutes_less_some_jitter() -> None:
    """A server in trouble is asked again after 1, 2, 4 seconds and so on, at last every five minutes."""
    assert [pause_s(count, 0) for count in (1, 2, 3, 4)] == [1, 2, 4, 8]
    assert pause_s(1_000, 0) == LONGEST_PAUSE_S
    assert pause_s(3, 1) == 4 * (1 - SPREAD)
