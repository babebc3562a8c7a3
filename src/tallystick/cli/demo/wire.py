"""The demo's HTTP client: the standard library, one request per connection, loopback only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage
from typing import Any
from urllib.parse import urlencode

from tallystick.http import LOCAL_COOKIE_NAME

ADDRESS = "127.0.0.1"
HOST = "localhost"
TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Args:
        status: the status code; 0 if nothing came back.
        headers: the header fields, as they came.
        body: the JSON object of the body; empty if it was none.
    """

    status: int
    headers: HTTPMessage
    body: dict[str, Any]

    @property
    def code(self) -> str:
        """The stable code of a refusal, or the OAuth error code, or the empty text."""
        found = self.body.get("error", "")
        return found if isinstance(found, str) else ""

    def cookie(self) -> str:
        """Gives the `name=value` of the session cookie that it sets, or the empty text."""
        named = (field.split(";")[0] for field in self.headers.get_all("Set-Cookie", []))
        return next((pair for pair in named if pair.startswith(f"{LOCAL_COOKIE_NAME}=")), "")


def call(
    port: int,
    method: str,
    path: str,
    *,
    cookie: str = "",
    bearer: str = "",
    csrf: str = "",
    data: Mapping[str, object] | None = None,
    form: Mapping[str, str] | None = None,
    agent: str = "tallystick demo",
) -> Answer:
    """Sends one request to a process on the loopback and gives the answer; status 0 when nobody answers.

    Args:
        port: where it listens.
        method: the HTTP method.
        path: the path.
        cookie: `name=value`, sent as it is.
        bearer: sent as `Authorization: Bearer …`.
        csrf: sent as `X-CSRF-Token`.
        data: a JSON body.
        form: a form body.
        agent: the User-Agent.
    """
    headers = {"Host": f"{HOST}:{port}", "Accept": "application/json", "User-Agent": agent, "Connection": "close"}
    headers |= {"Cookie": cookie} if cookie else {}
    headers |= {"Authorization": f"Bearer {bearer}"} if bearer else {}
    headers |= {"X-CSRF-Token": csrf} if csrf else {}
    body = None
    if data is not None:
        body, headers["Content-Type"] = json.dumps(data).encode(), "application/json"
    elif form is not None:
        body, headers["Content-Type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
    connection = HTTPConnection(ADDRESS, port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers, _object(response.read()))
    except (OSError, HTTPException):
        return Answer(0, HTTPMessage(), {})
    finally:
        connection.close()


class Line:
    """A connection that stays open, so that a request can be sent now and its answer read later.

    Args:
        port: where the process listens.
        path: what is asked, with GET.
        bearer: the access token that every request presents.
    """

    def __init__(self, port: int, path: str, bearer: str) -> None:
        self._connection = HTTPConnection(ADDRESS, port, timeout=TIMEOUT_S)
        self._path = path
        self._headers = {"Host": f"{HOST}:{port}", "Authorization": f"Bearer {bearer}"}

    def send(self) -> None:
        """Sends a request."""
        self._connection.request("GET", self._path, headers=self._headers)

    def read(self) -> Answer:
        """Reads the answer to the last request; status 0 if there is none."""
        try:
            response = self._connection.getresponse()
            return Answer(response.status, response.headers, _object(response.read()))
        except (OSError, HTTPException):
            return Answer(0, HTTPMessage(), {})

    def close(self) -> None:
        """Hangs up."""
        self._connection.close()


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
