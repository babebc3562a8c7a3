"""`python -m tallystick.server.alive`: exit code 0 if the server of these settings answers on this host, for containers.

It asks the listener itself, under the issuer's host, since the server answers no other.
"""

from __future__ import annotations

import ssl
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from tallystick.errors import TallystickError
from tallystick.server.settings import Settings
from tallystick.server.wiring import default_issuer

WAIT_S = 3.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (what is listened on, and how it is reached from here)


def alive(settings: Settings, path: str = "/livez") -> bool:
    """Tells whether the server of these settings answers on this host.

    Args:
        settings: of the server.
        path: `/livez` or `/readyz`.
    """
    host = _EVERYWHERE.get(settings.host, settings.host)
    connection = (
        HTTPConnection(host, settings.port, timeout=WAIT_S)
        if settings.tls_cert is None
        # The certificate is for the issuer's name, and this talks to itself.
        else HTTPSConnection(host, settings.port, timeout=WAIT_S, context=ssl._create_unverified_context())  # noqa: S323, SLF001
    )
    try:
        connection.request("GET", path, headers={"Host": urlsplit(default_issuer(settings)).netloc})
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def main() -> int:
    """Gives the exit code: 0 it answers, 1 it does not."""
    try:
        return 0 if alive(Settings.load()) else 1
    except TallystickError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
