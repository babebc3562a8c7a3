"""Ours as the peers meet it: a folder with a SQLite database and its root key, filled, then served."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers.python_apps import PASSWORD, call
from benchmarks.processes import PYTHON, Server, free_port, serving, uvicorn
from tallystick import Authority, open_stores

SCOPE = "notes:read"
TOKEN_PATH = "/oauth/token"


@dataclass(slots=True)
class House:
    """A database and what was put into it.

    Args:
        folder: where the database and the root key are.
        port: where it is going to be served.
        path: the path of the issuer.
        app: the `client_id` of a first-party native client, once `fill` made it.
        service: the `client_id` of a service.
        service_secret: its secret.
        emails: people; all have the same password.
    """

    folder: Path
    port: int
    path: str = ""
    app: str = ""
    service: str = ""
    service_secret: str = ""
    emails: list[str] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        """The issuer's URL."""
        return f"http://localhost:{self.port}{self.path}"

    def authority(self) -> Authority:
        """Gives an authority on it, not yet opened."""
        stores = open_stores(f"sqlite:///{self.folder}/auth.db")
        return Authority(self.issuer, stores, root_key_file=self.folder / "root.key")

    def settings(self) -> dict[str, str]:
        """Gives the environment with which `tallystick serve` and our applications find it."""
        return {
            "TALLYSTICK_STORE": f"sqlite:///{self.folder}/auth.db",
            "TALLYSTICK_ROOT_KEY_FILE": str(self.folder / "root.key"),
            "BENCH_FOLDER": str(self.folder),
            "BENCH_PORT": str(self.port),
        }


@contextmanager
def house(people: int = 1, path: str = "") -> Iterator[House]:
    """Makes a database with a native client, a service and people in it, until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        made = House(Path(folder), free_port(), path)
        asyncio.run(_fill(made, people))
        yield made


async def _fill(made: House, people: int) -> None:
    async with made.authority() as authority:
        app, _ = await authority.create_client("app", kind="native", first_party=True, scopes=(SCOPE,))
        service, secret = await authority.create_client("service", kind="service", scopes=(SCOPE,))
        assert secret is not None
        made.app, made.service, made.service_secret = str(app.id), str(service.id), secret.reveal()
        for number in range(people):
            email = f"person-{number}@example.com"
            await authority.create_account(email, PASSWORD, permissions=frozenset({SCOPE}))
            made.emails.append(email)


@contextmanager
def served(made: House) -> Iterator[Server]:
    """Runs `tallystick serve` on it, one worker."""
    command = [PYTHON, "-m", "tallystick.cli.main", "serve", "--host", "127.0.0.1", "--port", str(made.port)]
    with serving(command, made.port, env=made.settings(), cwd=made.folder) as server:
        yield server


@contextmanager
def embedded(made: House) -> Iterator[Server]:
    """Runs an application with the authority mounted under /auth, and the probe of the event loop."""
    with serving(uvicorn("benchmarks.ours_app:app", made.port), made.port, env=made.settings()) as server:
        yield server


def refresh_tokens(made: House, count: int) -> Sequence[str]:
    """Signs people in with the native client, in turn; gives the first refresh token of each session."""
    return [_sign_in_app(made, number)["refresh_token"] for number in range(count)]


def access_token(made: House) -> str:
    """Signs a person in with the native client; gives an access token for the authority itself."""
    return _sign_in_app(made, 0)["access_token"]


def _sign_in_app(made: House, number: int) -> dict[str, str]:
    asked = {"email": made.emails[number % len(made.emails)], "password": PASSWORD}
    body = json.dumps({**asked, "deliver": "tokens", "client_id": made.app})
    answer, _ = call(made.port, "POST", f"{made.path}/session", body, "application/json")
    found: dict[str, str] = json.loads(answer)
    return found
