"""The demo's second service: a Verifier and the standard library, nothing else. It takes access tokens only."""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from tallystick.cli.demo.wire import ADDRESS
from tallystick.errors import CredentialMissing, TallystickError
from tallystick.http import presented, response_of
from tallystick.stores.open import open_log
from tallystick.verifier import Verifier

ENDING = {signal.SIGTERM, signal.SIGINT}


class Handler(BaseHTTPRequestHandler):
    """Answers `GET /export` for a good access token, `GET /readyz` for everybody."""

    protocol_version = "HTTP/1.1"
    verifier: Verifier

    def do_GET(self) -> None:
        """Verifies the access token in memory: no call to anybody."""
        if self.path == "/readyz":
            self._send(200, {}, {"ready": True})
            return
        try:
            headers = ((name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items())
            found = presented(headers)
            if found is None or found.kind != "bearer":
                raise CredentialMissing
            session = self.verifier.verify(found.value)
        except TallystickError as error:
            refusal = response_of(error)
            self._send(refusal.status, refusal.headers, refusal.body)
        else:
            self._send(200, {}, {"session": session.id, "exported": 3})

    def _send(self, status: int, headers: Mapping[str, str], body: Mapping[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(raw))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class calls it so)
        """Keeps quiet."""


def main() -> None:
    """Serves until it is told to end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--store", required=True)
    parser.add_argument("--port", type=int, required=True)
    wanted = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    with Verifier(wanted.issuer, audience=wanted.issuer, follow=open_log(wanted.store), name="export") as verifier:
        Handler.verifier = verifier
        with ThreadingHTTPServer((ADDRESS, wanted.port), Handler) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            signal.sigwait(ENDING)
            server.shutdown()


if __name__ == "__main__":
    main()
