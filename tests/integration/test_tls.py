"""TLS of the server as openssl sees it: what is spoken, what is not, and a certificate that is renewed under load."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from http.client import HTTPException, HTTPSConnection
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization as of

from tests.support.processes import ADDRESS, EMAIL, PASSWORD, Server, create_account, tallystick
from tests.support.secure import Secure, replace, said

pytestmark = pytest.mark.process

OLD = "DEFAULT@SECLEVEL=0"
REFUSED = {
    "TLS 1.0": ("-tls1", "-cipher", OLD),
    "TLS 1.1": ("-tls1_1", "-cipher", OLD),
    "CBC": (
        "-tls1_2",
        "-cipher",
        "ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA@SECLEVEL=0",
    ),
    "RSA key exchange": ("-tls1_2", "-cipher", "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA@SECLEVEL=0"),
    "finite-field DH": ("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-CHACHA20-POLY1305@SECLEVEL=0"),
    "CCM with short tags": ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-CCM8@SECLEVEL=0"),
    "no encryption": ("-tls1_2", "-cipher", "NULL:eNULL:aNULL@SECLEVEL=0"),
    "3DES": ("-tls1_2", "-cipher", "3DES:DES-CBC3-SHA@SECLEVEL=0"),
}
ACCEPTED = {
    "TLS 1.3": (("-tls1_3",), "TLSv1.3"),
    "TLS 1.2": (("-tls1_2",), "TLSv1.2"),
    "what both like best": ((), "TLSv1.3"),
    "AES-GCM": (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"), "TLSv1.2"),
    "ChaCha20": (("-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"), "TLSv1.2"),
}


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> object:
    """A server on https with an account."""
    folder = tmp_path_factory.mktemp("secure")
    with Secure(folder) as server:
        create_account(folder)
        yield server


def test_only_modern_tls_is_spoken(secure: Secure) -> None:
    """TLS 1.0 and 1.1, CBC, RSA key exchange, 3DES and the like get no handshake, even from who offers nothing else."""
    spoken = {}
    for name, words in REFUSED.items():
        told = secure.openssl(*words)
        # A build of openssl that cannot offer it at all says so, and that is no answer of the server's.
        if "no cipher match" in told.stderr or "no ciphers available" in told.stderr:
            spoken[name] = "not offered"
        else:
            spoken[name] = "refused" if told.returncode and "Cipher is (NONE)" in told.stdout else "spoken"
    assert "spoken" not in spoken.values(), spoken
    assert {name for name, how in spoken.items() if how == "not offered"} <= {"3DES", "no encryption"}


def test_modern_tls_is_spoken(secure: Secure) -> None:
    """TLS 1.3, and 1.2 with forward secrecy and AEAD, are spoken; the chain is sent; nothing is compressed."""
    for name, (words, version) in ACCEPTED.items():
        told = secure.openssl(*words)
        assert told.returncode == 0, (name, told.stderr)
        assert f"New, {version}, Cipher is" in told.stdout, name
        assert "Compression: NONE" in told.stdout, name
    assert "Secure Renegotiation IS NOT supported" not in secure.openssl("-tls1_2").stdout


def test_renegotiation_is_refused(secure: Secure) -> None:
    """A client that wants to negotiate anew in the middle of TLS 1.2 is refused."""
    words = ["openssl", "s_client", "-connect", f"{ADDRESS}:{secure.port}", "-tls1_2"]
    asked = subprocess.run(words, input="R\n", capture_output=True, text=True, timeout=20, check=False)
    assert "no renegotiation" in asked.stderr + asked.stdout


def test_plain_http_on_the_port_gets_nothing(secure: Secure) -> None:
    """Whoever speaks plain http to the port of https gets no answer that could be read."""
    with socket.create_connection((ADDRESS, secure.port), timeout=10) as line:
        line.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert not line.recv(64).startswith(b"HTTP")


def test_https_marks_cookie_and_transport(secure: Secure) -> None:
    """On https the cookie is __Host-, Secure and HttpOnly, HSTS is sent, and the issuer begins with https."""
    done = secure.ask("POST", "/session", {"email": EMAIL, "password": PASSWORD})
    assert done.status == 200
    cookie = done.headers["set-cookie"]
    assert cookie.startswith("__Host-Http-ts=")
    assert "; Secure" in cookie
    assert "; HttpOnly" in cookie
    assert int(done.headers["strict-transport-security"].partition("=")[2].split(";")[0]) >= 31536000
    assert "server" not in done.headers
    document = secure.ask("GET", "/.well-known/oauth-authorization-server").body
    assert document["issuer"] == f"https://localhost:{secure.port}"


def test_a_renewed_certificate_is_shown_and_no_connection_breaks(tmp_path: Path) -> None:
    """While clients go on asking over connections that stay open, the files change: both workers show the new one."""
    failures: list[str] = []
    answered = [0]
    stop = threading.Event()

    def load(server: Secure, *, keeps: bool) -> None:
        connection = HTTPSConnection(ADDRESS, server.port, timeout=20, context=server.context())
        while not stop.is_set():
            try:
                if said(connection, server.port, "GET", "/.well-known/jwks.json").status != 200:
                    failures.append("status")
                answered[0] += 1
            except (OSError, HTTPException) as error:
                failures.append(repr(error))
            if not keeps:
                connection.close()
            time.sleep(0.005)
        connection.close()

    with Secure(tmp_path, "--workers", "2") as server:
        lines = [threading.Thread(target=load, args=(server,), kwargs={"keeps": at < 3}) for at in range(5)]
        for line in lines:
            line.start()
        try:
            for turn in range(3):
                serial = server.issue()
                if turn == 1:
                    assert server.process is not None
                    os.killpg(server.process.pid, signal.SIGHUP)
                deadline = time.monotonic() + 10
                while {server.shown() for _ in range(12)} != {serial}:
                    assert time.monotonic() < deadline, server.log
                    time.sleep(0.1)
        finally:
            stop.set()
            for line in lines:
                line.join()
    assert failures == []
    assert answered[0] > 100


def test_a_broken_renewal_keeps_the_old_certificate(tmp_path: Path) -> None:
    """A key that does not belong, half a file, or a key open to others: the old pair is shown, and the log says why."""
    with Secure(tmp_path) as server:
        serial = server.shown()
        good = server.pair.key.read_bytes()
        other = trustme.CA().issue_cert("localhost").private_key_pem.bytes()
        for content, mode, word in [
            (other, 0o600, "is not the key of"),
            (b"", 0o600, "no private key"),
            (good, 0o644, "open to"),
        ]:
            replace(server.pair.key, content, mode)
            deadline = time.monotonic() + 10
            while word not in server.log:
                assert time.monotonic() < deadline, server.log
                time.sleep(0.05)
            assert server.shown() == serial
        assert server.log.count("is not renewed") == 3
        renewed = server.issue()
        deadline = time.monotonic() + 10
        while server.shown() != renewed:
            assert time.monotonic() < deadline, server.log
            time.sleep(0.05)
    assert "PRIVATE" not in server.log


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ("other key", "is not the key of the first certificate"),
        ("chain turned round", "own certificate comes first"),
        ("missing key", "cannot be read"),
        ("missing certificate", "cannot be read"),
        ("open key", "chmod 600"),
        ("no certificate", "no certificate in PEM"),
        ("encrypted key", "passphrase"),
        ("half", "give tls_key too"),
    ],
)
def test_a_pair_that_cannot_work_is_said_at_the_start(tmp_path: Path, wrong: str, word: str) -> None:
    """What is wrong with certificate or key is one line with the file's name, exit code 2, and nothing is served."""
    server = Secure(tmp_path)
    certificate, key = server.pair.certificate, server.pair.key
    match wrong:
        case "other key":
            replace(key, trustme.CA().issue_cert("localhost").private_key_pem.bytes())
        case "chain turned round":
            made = server.authority.create_child_ca()
            leaf = made.issue_cert("localhost")
            replace(key, leaf.private_key_pem.bytes())
            replace(certificate, b"".join(one.bytes() for one in reversed(leaf.cert_chain_pems)))
        case "missing key":
            key.unlink()
        case "missing certificate":
            certificate.unlink()
        case "open key":
            key.chmod(0o644)
        case "no certificate":
            replace(certificate, b"nothing")
        case "encrypted key":
            replace(key, encrypted(key.read_bytes()))
    arguments = server.arguments[:2] if wrong == "half" else server.arguments
    done = tallystick(tmp_path, "serve", "--port", "0", *arguments)
    assert done.returncode == 2, done.stderr
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert "PRIVATE" not in done.stderr


def encrypted(pem: bytes) -> bytes:
    """Gives a private key under a passphrase."""
    key = of.load_pem_private_key(pem, None)
    return key.private_bytes(of.Encoding.PEM, of.PrivateFormat.PKCS8, of.BestAvailableEncryption(b"a passphrase"))


def test_without_tls_a_hangup_ends_as_ever(tmp_path: Path) -> None:
    """SIGHUP means "read again" only where there is a certificate."""
    with Server(tmp_path) as server:
        assert server.process is not None
        server.process.send_signal(signal.SIGHUP)
        assert server.process.wait(20) == -signal.SIGHUP
