"""Tells a service manager that the server is ready (sd_notify(3)): one datagram, and nothing where nobody asked."""

from __future__ import annotations

import os
import socket


def notify_ready() -> bool:
    """Sends READY=1 to the socket that NOTIFY_SOCKET names; gives whether there was one that took it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    # An address that begins with @ lies in the abstract namespace, where it begins with a zero byte.
    where = f"\0{address[1:]}" if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        try:
            line.sendto(b"READY=1", where)
        except OSError:
            return False
    return True
