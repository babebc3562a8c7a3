"""The settings of mail, each declared once; they nest under `mail`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from tallystick.core.secret import Secret
from tallystick.mail.office import SmtpMail
from tallystick.mail.smtp import SmtpServer


class MailSettings(BaseModel):
    """Where mail is handed in, and whom it comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(
        description="The SMTP server that takes mail. With it, addresses are verified and passwords reset."
    )
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Its port; 465 for `tls`, 587 for `starttls`, 25 for `none` if it is not given.",
    )
    security: Literal["tls", "starttls", "none"] = Field(
        "starttls", description="How the connection is protected; `none` is refused unless the server is on this host."
    )
    user: str | None = Field(None, description="Whom to sign in to it as.")
    password: SecretStr | None = Field(None, description="The password of that user.")
    sender: str = Field(description="The address that mail comes from.")
    sender_name: str = Field("", description="The name beside that address.")
    ca_file: Path | None = Field(None, description="The certificates to trust instead of the system's, in PEM.")
    timeout_s: float = Field(
        10.0, ge=0.1, le=120, description="How long each step with the server may take, in seconds."
    )
    templates: Path | None = Field(
        None, description="A folder with mail templates that replace the ones that are built in, by file name."
    )

    def smtp(self) -> SmtpMail:
        """Gives what the mailer is built of.

        Raises:
            Misconfigured: it would send a password in the clear, or something is missing.
        """
        secret = Secret(self.password.get_secret_value()) if self.password is not None else None
        server = SmtpServer(
            self.host, self.port, self.security, self.user, secret, ca_file=self.ca_file, timeout_s=self.timeout_s
        )
        return SmtpMail(server, self.sender, self.sender_name, self.templates)
