"""Gathers whether a mail server can be talked to: connect, EHLO, the security that the settings name, QUIT. Sends no mail."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from pathlib import Path

from tallystick.server.doctor.facts import MailFacts

WAIT_S = 5.0
USUAL_PORTS = {"tls": 465, "starttls": 587, "none": 25}


def mail_facts(host: str, port: int | None, security: str, ca_file: Path | None = None) -> MailFacts:
    """Talks to a mail server as far as a mail would, without one.

    Args:
        host: of it.
        port: of it; None for the usual one.
        security: `none`, `starttls` or `tls` (from the first byte).
        ca_file: the certificates to trust instead of the system's.
    """
    port = port or USUAL_PORTS[security]
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        return MailFacts(host, port, security, security_problem=f"{ca_file} cannot be read: {_words(error)}")
    try:
        talk = (
            smtplib.SMTP_SSL(host, port, timeout=WAIT_S, context=context)
            if security == "tls"
            else smtplib.SMTP(host, port, timeout=WAIT_S)
        )
    except ssl.SSLError as error:
        return MailFacts(host, port, security, security_problem=_words(error))
    except (OSError, smtplib.SMTPException) as error:
        return MailFacts(host, port, security, problem=_words(error))
    try:
        code, _ = talk.ehlo()
        if not 200 <= code < 300:
            return MailFacts(host, port, security, problem=f"it answers EHLO with {code}")
        if security == "starttls":
            talk.starttls(context=context)
    except (ssl.SSLError, smtplib.SMTPNotSupportedError, smtplib.SMTPResponseException) as error:
        return MailFacts(host, port, security, security_problem=_words(error))
    except (OSError, smtplib.SMTPException) as error:
        return MailFacts(host, port, security, problem=_words(error))
    finally:
        with suppress(OSError, smtplib.SMTPException):
            talk.quit()
    return MailFacts(host, port, security)


def _words(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return error.verify_message
        case ssl.SSLError():
            return "it does not speak TLS"
        case smtplib.SMTPNotSupportedError():
            return "it does not offer STARTTLS"
        case smtplib.SMTPResponseException():
            return f"it answers {error.smtp_code}"
        case OSError(strerror=str(words)):
            return words
        case _:
            return str(error) or type(error).__name__
