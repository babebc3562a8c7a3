"""Judges whether mail could be sent."""

from __future__ import annotations

from tallystick.server.doctor.facts import MailFacts
from tallystick.server.doctor.finding import Findings, found


def check_mail(mail: MailFacts) -> Findings:
    """Judges what a mail server said."""
    where = f"The mail server {mail.host}:{mail.port}"
    if mail.problem:
        yield found("mail_unreachable", f"{where} cannot be reached: {mail.problem}.")
    elif mail.security_problem:
        yield found("mail_security", f"{where} has no {mail.security}: {mail.security_problem}.")
