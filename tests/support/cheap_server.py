"""A server whose passwords cost next to nothing, for tests that ask it thousands of times: `python -m … FOLDER PORT SMTP_PORT`.

With `leaky` as a fourth word it makes the mistake that the judge of times must find: no hash where there is no account.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import uvicorn

from tallystick import Authority, open_stores
from tallystick.crypto.hashing import HashingPool
from tallystick.identity.password import PasswordParameters
from tallystick.mail.office import SmtpMail
from tallystick.mail.smtp import SmtpServer
from tallystick.web import standalone

CHEAP = PasswordParameters(memory_kib=64, time_cost=1)


class Leaky(HashingPool):
    """Saves the hash where there is nothing to compare with."""

    async def verify(self, password: str, stored: str | None) -> bool:
        """Says False at once for nobody."""
        return stored is not None and await super().verify(password, stored)


def authority_of(folder: Path, port: int, smtp_port: int, *, leaky: bool = False, **more: Any) -> Authority:
    """Gives the authority; not yet opened."""
    return Authority(
        f"http://localhost:{port}",
        open_stores(f"sqlite:///{folder / 'tallystick.db'}"),
        root_key_file=folder / "root.key",
        hasher=(Leaky if leaky else HashingPool)(CHEAP),
        mailer=SmtpMail(SmtpServer("127.0.0.1", smtp_port, "none"), "notes@notes.example"),
        **more,
    )


if __name__ == "__main__":
    at, number, post = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    app = standalone(authority_of(at, number, post, leaky="leaky" in sys.argv[4:]))
    uvicorn.run(app, host="127.0.0.1", port=number, log_level="warning", access_log=False)
