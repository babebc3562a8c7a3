"""Starts node-oidc-provider and walks its authorization code flow, which is where its refresh tokens come from."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from benchmarks.load import FORM
from benchmarks.processes import Server, free_port, serving

FOLDER = Path(__file__).parent
SERVICE, SERVICE_SECRET, APP = "service", "a-secret-of-the-benchmark-only-0123456789", "app"
SCOPE = "notes:read"
TOKEN_PATH = "/token"
_CALLBACK = "https://app.example/callback"
_VERIFIER = "a-code-verifier-of-the-benchmark-only-0123456789-0123456789"


@contextmanager
def oidc_provider() -> Iterator[Server]:
    """Runs node-oidc-provider, with production settings, everything in memory."""
    port = free_port()
    with serving(["node", "provider.mjs", str(port)], port, env={"NODE_ENV": "production"}, cwd=FOLDER) as server:
        yield server


def refresh_token(port: int) -> str:
    """Signs a new person in and gives the refresh token of `app`: authorize, interaction, code, token."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(_VERIFIER.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "client_id": APP,
        "response_type": "code",
        "scope": SCOPE,
        "redirect_uri": _CALLBACK,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    code = _code(connection, f"/auth?{urlencode(asked)}")
    traded = {
        "grant_type": "authorization_code",
        "client_id": APP,
        "code": code,
        "code_verifier": _VERIFIER,
        "redirect_uri": _CALLBACK,
    }
    connection.request("POST", TOKEN_PATH, urlencode(traded), {"Content-Type": FORM})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return str(answer["refresh_token"])


def _code(connection: http.client.HTTPConnection, url: str) -> str:
    cookies: SimpleCookie = SimpleCookie()
    while not url.startswith(_CALLBACK):
        parts = urlsplit(url)
        sent = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items() if morsel.value)
        connection.request("GET", f"{parts.path}?{parts.query}", headers={"Cookie": sent})
        answer = connection.getresponse()
        answer.read()
        for line in answer.headers.get_all("Set-Cookie") or ():
            cookies.load(line)
        url = answer.headers["Location"]
    return parse_qs(urlsplit(url).query)["code"][0]
