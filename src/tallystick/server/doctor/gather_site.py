"""Gathers what a visitor of the issuer sees: GET requests, one connection each, with bounds on time and size."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from tallystick.crypto.certificates import read_certificate
from tallystick.http import origin_of
from tallystick.ports import Sealer
from tallystick.server.doctor.check_proxy import SENT, SPOOFED
from tallystick.server.doctor.facts import Answer, SiteFacts, TlsFacts
from tallystick.web.app import METADATA_PATH
from tallystick.web.endpoints.mirror import PATH as MIRROR_PATH
from tallystick.web.endpoints.mirror import PROBE_HEADER, probe

WAIT_S = 5.0
BYTES_MAX = 1024 * 1024
TIMES = 6
"""How often the mirror is asked, so that a second server behind a balancer is met."""


def get(url: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Asks for a URL over a connection of its own; follows nothing, trusts every certificate.

    The certificate is judged by itself (`tls_facts`), so that a bad one hides no other mistake. Nothing secret is sent
    but the probe, which is good for a minute and opens only the mirror.

    Args:
        url: http or https.
        headers: of the request.

    Raises:
        OSError: nobody answers, or it is no HTTP.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = (
        HTTPSConnection(host, parts.port or 443, timeout=WAIT_S, context=_lenient())
        if parts.scheme == "https"
        else HTTPConnection(host, parts.port or 80, timeout=WAIT_S)
    )
    try:
        connection.connect()
        address, port = connection.sock.getsockname()[:2]
        sent_at = time.time()
        connection.request("GET", parts.path or "/", headers={"User-Agent": "tallystick doctor", **(headers or {})})
        response = connection.getresponse()
        raw = response.read(BYTES_MAX)
        got_at = time.time()
    except HTTPException as error:
        raise OSError(f"{url} does not speak HTTP: {type(error).__name__}") from error
    finally:
        connection.close()
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in response.getheaders():
        fields[name.lower()] = (*fields.get(name.lower(), ()), value)
    return Answer(url, response.status, fields, _object(raw), sent_at, got_at, f"{address} {port}")


def _object(raw: bytes) -> dict[str, object]:
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _lenient() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def site_facts(url: str, sealer: Sealer | None, metrics_path: str = "/metrics") -> SiteFacts:
    """Looks at a URL as a visitor does, and with a probe at the server behind it.

    Args:
        url: the issuer, or what should be it.
        sealer: under the server's root key; None if that cannot be used, and then nothing is known of what lies between.
        metrics_path: where the metrics are.

    Raises:
        OSError: nobody answers.
    """
    parts = urlsplit(url)
    origin = origin_of(url)
    metadata = get(url + METADATA_PATH)
    return SiteFacts(
        url=url,
        metadata=metadata,
        outside=get(origin + METADATA_PATH + parts.path) if parts.path else None,
        key_set=get(f"{url}/.well-known/jwks.json"),
        metrics=get(origin + metrics_path),
        mirrors=() if sealer is None else tuple(get(url + MIRROR_PATH, _asking(sealer, origin)) for _ in range(TIMES)),
        spoofed=None
        if sealer is None
        else get(
            url + MIRROR_PATH,
            {
                **_asking(sealer, origin),
                "X-Forwarded-For": SPOOFED,
                "X-Real-IP": SPOOFED,
                "Forwarded": f"for={SPOOFED}",
            },
        ),
        tls=tls_facts(parts.hostname or "", parts.port or 443) if parts.scheme == "https" else None,
    )


def _asking(sealer: Sealer, origin: str) -> dict[str, str]:
    return {**SENT, "origin": origin, PROBE_HEADER: probe(sealer, int(time.time()))}


def tls_facts(host: str, port: int) -> TlsFacts:
    """Looks at the certificate that a host shows, and asks OpenSSL whether it is trusted for that host.

    Raises:
        OSError: nobody answers, or without TLS.
    """
    shaken = HTTPSConnection(host, port, timeout=WAIT_S, context=_lenient())
    try:
        shaken.connect()
        assert isinstance(shaken.sock, ssl.SSLSocket)
        not_after, names = read_certificate(shaken.sock.getpeercert(binary_form=True) or b"")
    finally:
        shaken.close()
    problem, mismatch = "", False
    strict = HTTPSConnection(host, port, timeout=WAIT_S, context=ssl.create_default_context())
    try:
        strict.connect()
    except ssl.SSLCertVerificationError as error:
        problem = error.verify_message
        # X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL.
        mismatch = error.verify_code in (62, 64)
    finally:
        strict.close()
    return TlsFacts(host, not_after, names, problem, mismatch)
