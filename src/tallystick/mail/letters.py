"""Letters: each kind has a text and an HTML template, which a folder of the operator's may replace one by one.

`<kind>.txt` begins with the line `Subject: …` and a blank line. `<kind>.html` is the same in HTML; everything put into it
is escaped. Both get the words of their kind and those of every letter: `service`, `issuer`, `account_url`, `reset_url`.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateError, select_autoescape

from tallystick.core.secret import Secret
from tallystick.errors import Misconfigured
from tallystick.mail.envelope import message_of, postal
from tallystick.ports import Letter

TEMPLATES = Path(__file__).parent / "templates"
WORDS: Mapping[str, tuple[str, ...]] = {
    "verify": ("link", "minutes"),
    "taken": (),
    "reset": ("link", "minutes", "network"),
    "password_changed": ("when", "network"),
    "factor_added": ("factor", "when", "network"),
    "factor_removed": ("factor", "when", "network"),
    "new_device": ("device", "when", "network"),
}
"""Kind of letter → the words that it gets beside those of every letter."""
_SUBJECT = "Subject: "


class Letters:
    """Writes letters from templates.

    Args:
        sender: from whom.
        issuer: the authority's URL; links in the templates are built from it, never from a request.
        folder: templates that replace ours, by file name; None for ours alone.

    Raises:
        Misconfigured: the folder is not there, or a template cannot be filled in.
    """

    def __init__(self, sender: Address, issuer: str, folder: Path | None = None) -> None:
        if folder is not None and not folder.is_dir():
            raise Misconfigured(f"the folder of mail templates {folder} is not there")
        folders = [folder, TEMPLATES] if folder is not None else [TEMPLATES]
        self._sender = sender
        self._common = {
            "service": urlsplit(issuer).hostname or issuer,
            "issuer": issuer,
            "account_url": f"{issuer}/account",
            "reset_url": f"{issuer}/reset",
        }
        self._templates = Environment(
            loader=ChoiceLoader([FileSystemLoader(one) for one in folders]),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        for kind, words in WORDS.items():
            self._try(kind, words)

    def write(self, letter: Letter, *, now: int, name: str) -> EmailMessage:
        """Writes a letter.

        Args:
            letter: what to whom.
            now: the instant.
            name: random visible ASCII for its Message-ID.

        Raises:
            Misconfigured: a template cannot be filled in; the text never holds a word of the letter.
            InvalidRequest: no mail can be sent to the address.
        """
        words = {key: word.reveal() if isinstance(word, Secret) else word for key, word in letter.words.items()}
        subject, text, html = self._filled(letter.kind, words)
        try:
            return message_of(self._sender, postal(letter.to), subject, text, html, now=now, name=name)
        except ValueError:
            raise Misconfigured(
                f"the mail template {letter.kind}.txt writes a subject that is no single line"
            ) from None

    def _filled(self, kind: str, words: Mapping[str, object]) -> tuple[str, str, str]:
        given = {key: _one_line(word) for key, word in words.items()} | self._common
        try:
            whole = self._templates.get_template(f"{kind}.txt").render(given)
            html = self._templates.get_template(f"{kind}.html").render(given)
        except (TemplateError, OSError, ArithmeticError, TypeError, ValueError, AttributeError, LookupError) as error:
            # The text of the error may hold a link.
            raise Misconfigured(f"the mail template {kind} cannot be filled in: {type(error).__name__}") from None
        head, _, text = whole.partition("\n")
        if not head.startswith(_SUBJECT):
            raise Misconfigured(f"the mail template {kind}.txt must begin with a line 'Subject: …'")
        return head.removeprefix(_SUBJECT).strip(), text.lstrip("\n"), html

    def _try(self, kind: str, words: tuple[str, ...]) -> None:
        self._filled(kind, {word: f"<{word}>" for word in words})


def _one_line(word: object) -> object:
    """Keeps a word in its line: what somebody typed adds no lines of its own to a mail."""
    return " ".join(word.split()) if isinstance(word, str) else word
