"""An authority and an ASGI app in this thread, asked without a server, so that a test says every byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from starlette.types import ASGIApp

from tallystick import Authority, open_stores
from tallystick.session_source import STATE_NAME
from tallystick.web import routes
from tests.support.embedded import EMAIL, PASSWORD, PlainHasher

T = TypeVar("T")
HTTPS = "https://notes.example/auth"
LOCAL = "http://localhost:8000"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Args:
        status: the status code.
        fields: header fields in order, names in lower case.
        raw: the body.
        received: how many messages of the request's body were taken.
    """

    status: int
    fields: Sequence[tuple[str, str]]
    raw: bytes
    received: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """The header fields; of a name that came twice, the last."""
        return dict(self.fields)

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object of the body; empty if there is none."""
        found = json.loads(self.raw) if self.raw else {}
        assert isinstance(found, dict)
        return found

    @property
    def error(self) -> str:
        """The stable code."""
        return str(self.body.get("error"))

    @property
    def cookie(self) -> str:
        """The `name=value` of the cookie that it sets."""
        return self.headers["set-cookie"].split(";")[0]


class House:
    """A running authority with an app around it.

    Args:
        authority: opened already.
        runner: the loop that it lives in.
        app: what is asked; its routes alone by default.
    """

    def __init__(self, authority: Authority, runner: asyncio.Runner, app: ASGIApp | None = None) -> None:
        self.authority = authority
        self.runner = runner
        self.app = app or routes(authority)
        parts = urlsplit(authority.issuer)
        self.host = parts.netloc
        self.scheme = parts.scheme

    def do(self, awaitable: Awaitable[T]) -> T:
        """Runs something of the authority to its end."""

        async def run() -> T:
            return await awaitable

        return self.runner.run(run())

    def ask(
        self,
        method: str,
        path: str,
        headers: Sequence[tuple[str, str]] = (),
        *,
        body: bytes | Sequence[bytes] = b"",
        data: object = None,
        form: Mapping[str, str] | None = None,
        cookie: str = "",
        csrf: str = "",
        bearer: str = "",
        host: str | None = None,
        length: bool = True,
        client: str = "192.0.2.1",
        http_version: str = "1.1",
        query: str = "",
    ) -> Reply:
        """Sends one request.

        Args:
            method: of the request.
            path: below the issuer's path.
            headers: further fields.
            body: bytes, or chunks of them.
            data: a JSON body.
            form: a form body.
            cookie: the Cookie field.
            csrf: the X-CSRF-Token field.
            bearer: the access token.
            host: the Host field; ours by default; none for the empty text.
            length: send Content-Length.
            client: the peer's address.
            http_version: of the request.
            query: the query string.
        """
        fields = [("host", self.host if host is None else host)] if host != "" else []
        fields += [("cookie", cookie)] if cookie else []
        fields += [("x-csrf-token", csrf)] if csrf else []
        fields += [("authorization", f"Bearer {bearer}")] if bearer else []
        if data is not None:
            body, fields = json.dumps(data).encode(), [*fields, ("content-type", "application/json")]
        if form is not None:
            body, fields = urlencode(form).encode(), [*fields, ("content-type", FORM)]
        chunks = [body] if isinstance(body, bytes) else list(body)
        if length and chunks != [b""]:
            fields.append(("content-length", str(sum(map(len, chunks)))))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": http_version,
            "method": method,
            "scheme": self.scheme,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in [*fields, *headers]],
            "client": (client, 50_000),
            "server": ("127.0.0.1", 8000),
            "state": {STATE_NAME: self.authority},
        }
        return self.runner.run(_exchange(self.app, scope, chunks))

    def sign_in(self, email: str = EMAIL, password: str = PASSWORD, **more: Any) -> Reply:
        """Signs a browser in and gives the answer."""
        reply = self.ask("POST", "/session", data={"email": email, "password": password, **more})
        assert reply.status == 200, reply.raw
        return reply


async def _exchange(app: ASGIApp, scope: dict[str, Any], chunks: list[bytes]) -> Reply:
    sent: list[dict[str, Any]] = []
    waiting = list(chunks)
    taken = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        if not waiting:
            return {"type": "http.disconnect"}
        taken += 1
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = sent[0]
    fields = [(name.decode().lower(), value.decode("latin-1")) for name, value in start["headers"]]
    return Reply(start["status"], fields, b"".join(one.get("body", b"") for one in sent[1:]), taken)


@contextmanager
def a_house(folder: Path, issuer: str = LOCAL, store: str = "memory://", **more: Any) -> Iterator[House]:
    """Runs an authority with one account (EMAIL, PASSWORD) and closes it again.

    Args:
        folder: for the root key.
        issuer: its URL.
        store: where its data is.
        more: for Authority.
    """
    authority = Authority(issuer, open_stores(store), root_key_file=folder / "root.key", hasher=PlainHasher(), **more)
    with asyncio.Runner() as runner:
        runner.run(authority.__aenter__())
        try:
            house = House(authority, runner)
            house.do(authority.create_account(EMAIL, PASSWORD, permissions=frozenset({"notes:read"})))
            yield house
        finally:
            runner.run(authority.__aexit__(None, None, None))
