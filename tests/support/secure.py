"""A server on https with certificates of a test authority, and what openssl says of it."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any, Self

import trustme
from cryptography import x509

from tests.support.processes import ADDRESS, Server

OPENSSL_S = 20


@dataclass
class Pair:
    """A certificate and its key, in files.

    Args:
        certificate: the file of the chain.
        key: the file of the key.
    """

    certificate: Path
    key: Path


class Secure(Server):
    """`tallystick serve` with TLS.

    Args:
        folder: its working directory.
        arguments: further words of the command line.
    """

    def __init__(self, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self.authority = trustme.CA()
        self.pair = Pair(folder / "cert.pem", folder / "key.pem")
        self.issue()
        words = ("--tls-cert", str(self.pair.certificate), "--tls-key", str(self.pair.key))
        super().__init__(folder, *words, *arguments, environment=environment)
        self.issuer = f"https://localhost:{self.port}"

    def issue(self, authority: trustme.CA | None = None) -> int:
        """Puts a new pair in the place of the one that is there, file by file, as certbot does; gives its serial number."""
        made = (authority or self.authority).issue_cert("localhost", "127.0.0.1")
        chain = b"".join(one.bytes() for one in made.cert_chain_pems)
        replace(self.pair.key, made.private_key_pem.bytes())
        replace(self.pair.certificate, chain)
        return serial_of(chain)

    def context(self) -> ssl.SSLContext:
        """Gives a client's context that trusts our authority and nobody else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.authority.configure_trust(context)
        return context

    def shown(self) -> int:
        """Gives the serial number of the certificate that a new connection is shown."""
        connection = HTTPSConnection(ADDRESS, self.port, timeout=10, context=self.context())
        try:
            connection.connect()
            found = connection.sock.getpeercert(binary_form=True)
        finally:
            connection.close()
        assert found is not None
        return serial_of(ssl.DER_cert_to_PEM_cert(found).encode())

    def ask(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Said:
        """Sends one request on a connection of its own."""
        connection = HTTPSConnection(ADDRESS, self.port, timeout=30, context=self.context())
        try:
            return said(connection, self.port, method, path, body, headers)
        finally:
            connection.close()

    def start(self) -> Self:
        """Starts it and waits until it is ready."""
        begin(self)
        return self

    def openssl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs `openssl s_client` against it and gives what it said."""
        command = ["openssl", "s_client", "-connect", f"{ADDRESS}:{self.port}", "-servername", "localhost", *words]
        return subprocess.run(command, input="", capture_output=True, text=True, timeout=OPENSSL_S, check=False)


@dataclass(frozen=True)
class Said:
    """An answer.

    Args:
        status: the status code.
        headers: lower-case name → value.
        body: of it, as JSON; empty if it was none.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)


def said(
    connection: HTTPSConnection,
    port: int,
    method: str,
    path: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> Said:
    """Sends a request on an open connection and gives the answer."""
    sent = {"Host": f"localhost:{port}", "Content-Type": "application/json", **(headers or {})}
    connection.request(method, path, body=None if body is None else json.dumps(body), headers=sent)
    response = connection.getresponse()
    raw = response.read()
    found = json.loads(raw) if raw.startswith(b"{") else {}
    return Said(response.status, {name.lower(): value for name, value in response.headers.items()}, found)


def begin(server: Secure) -> None:
    """Starts the process and waits until it answers over TLS."""
    process = server.spawn()
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, server.log
        try:
            if server.ask("GET", "/readyz").status == 200:
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, server.log
        time.sleep(0.05)


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Puts a file in the place of another at once."""
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.chmod(mode)
    draft.replace(path)


def serial_of(pem: bytes) -> int:
    """Gives the serial number of the first certificate."""
    return x509.load_pem_x509_certificates(pem)[0].serial_number
