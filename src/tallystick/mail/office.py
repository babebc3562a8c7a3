"""What an operator says of mail, and the mailer that is built of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tallystick.mail.envelope import checked_sender
from tallystick.mail.letters import Letters
from tallystick.mail.queued import QueuedMailer
from tallystick.mail.smtp import SmtpServer, SmtpTransport
from tallystick.ports import Clock, Entropy, Events


@dataclass(frozen=True, slots=True)
class SmtpMail:
    """Mail by SMTP: where it is handed in, whom it comes from, and what it says.

    Args:
        server: where it is handed in.
        sender: the address that mail comes from.
        sender_name: the name beside that address.
        templates: a folder with templates that replace ours, by file name.
    """

    server: SmtpServer
    sender: str
    sender_name: str = ""
    templates: Path | None = None

    def mailer(self, issuer: str, clock: Clock, entropy: Entropy, events: Events) -> QueuedMailer:
        """Builds the mailer of an authority; connects to nothing.

        Raises:
            Misconfigured: the sender, the templates or the certificates cannot be used.
        """
        letters = Letters(checked_sender(self.sender, self.sender_name), issuer, self.templates)
        return QueuedMailer(SmtpTransport(self.server), letters, clock=clock, entropy=entropy, events=events)
