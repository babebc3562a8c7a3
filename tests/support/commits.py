"""Every kind of commit that the authority knows, on one prepared stage, so that it can be killed at any statement.

Randomness is seeded and the clock stands still, so the same act on a copy of the same stage writes the same rows; a kill
then leaves either what was there before a commit or what is there after it, and nothing else.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from tallystick import Authority, Rejected
from tallystick.authority.revoke import EVERYTHING_TARGET
from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.errors import OAuthError
from tests.support.embedded import EMAIL, NETWORK, PASSWORD, embedded

BOB = "bob@example.com"
NEW_PASSWORD = "eight notches on an ashen stick"
Notes = dict[str, str]
Act = Callable[[Authority, Notes], Awaitable[object]]


class StillClock:
    """A wall clock that stands still, and the boot clock of the machine.

    Args:
        at: the instant.
    """

    def __init__(self, at: int) -> None:
        self._at = at

    def now(self) -> int:
        """Gives the instant."""
        return self._at

    def boot(self) -> float:
        """Gives the boot clock."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)


class SeededEntropy:
    """Bytes that are the same each time.

    Args:
        seed: where they begin.
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def bytes(self, n: int) -> bytes:
        """Gives the next n bytes."""
        return self._random.randbytes(n)


def at_work(folder: Path, now: int, seed: str) -> Authority:
    """Gives an authority on the store in a folder, with a still clock and seeded bytes."""
    return embedded(folder, grace=60, clock=StillClock(now), entropy=SeededEntropy(seed))


async def prepare(folder: Path, now: int) -> Notes:
    """Sets the stage: people, clients, live and ended sessions; gives their names and credentials."""
    async with at_work(folder, now, "stage") as authority:
        ada = await authority.create_account(EMAIL, PASSWORD, permissions=frozenset({"notes:read", "notes:write"}))
        await authority.create_account(BOB, PASSWORD)
        phone, _ = await authority.create_client("phone", kind="native", first_party=True, scopes=["notes:read"])
        importer, secret = await authority.create_client("importer", kind="service", scopes=["notes:read"])
        fresh, fresh_secret = await authority.create_client("fresh", kind="service")
        assert secret is not None
        assert fresh_secret is not None
        browser = await authority.sign_in(EMAIL, PASSWORD, network=NETWORK, label="laptop")
        cookie = browser.cookie.reveal()
        ended = await authority.sign_in(EMAIL, PASSWORD, network=NETWORK, label="lost")
        ended_access = await authority.issue_access_token(ended.cookie.reveal())
        await authority.sign_out(ended.view)
        bound = await authority.open_from(cookie, client_id=phone.id, scope=frozenset({"notes:read"}))
        tokens = [await authority.sign_in_app(EMAIL, PASSWORD, client_id=phone.id, network=NETWORK)]
        for _ in range(2):
            last = _revealed(tokens[-1].refresh_token)
            tokens.append(await authority.refresh(last, client_id=phone.id, network=NETWORK))
        await authority.client_credentials(client_id=importer.id, client_secret=secret.reveal(), network=NETWORK)
        key = next(key for key in await authority.keys() if key.state == "active")
        return {
            "ada": ada.id,
            "phone": phone.id,
            "importer": importer.id,
            "fresh": fresh.id,
            "fresh_secret": fresh_secret.reveal(),
            "browser": browser.view.id,
            "cookie": cookie,
            "ended_cookie": ended.cookie.reveal(),
            "ended_access": ended_access.access_token.reveal(),
            "bound_refresh": _revealed(bound.refresh_token),
            "app": tokens[0].session,
            "oldest_refresh": _revealed(tokens[0].refresh_token),
            "refresh": _revealed(tokens[-1].refresh_token),
            "key": key.kid,
        }


def _revealed(secret: Any) -> str:
    assert secret is not None
    return str(secret.reveal())


async def _reuse(authority: Authority, notes: Notes) -> None:
    try:
        await authority.refresh(notes["oldest_refresh"], client_id=notes["phone"], network=NETWORK)
    except Rejected:
        return
    raise AssertionError("an old refresh token was accepted")


ACTS: dict[str, Act] = {
    "sign up": lambda a, n: a.sign_up("cy@example.com", PASSWORD, network=NETWORK),
    "create a client": lambda a, n: a.create_client("third", kind="service"),
    "sign in": lambda a, n: a.sign_in(EMAIL, PASSWORD, network=NETWORK),
    "sign in again": lambda a, n: a.sign_in(EMAIL, PASSWORD, network=NETWORK, cookie=n["cookie"]),
    "sign in as somebody else": lambda a, n: a.sign_in(BOB, PASSWORD, network=NETWORK, cookie=n["cookie"]),
    "sign in by an app": lambda a, n: a.sign_in_app(EMAIL, PASSWORD, client_id=n["phone"], network=NETWORK),
    "step up": lambda a, n: a.step_up(n["cookie"], PASSWORD, network=NETWORK),
    "open from a browser's": lambda a, n: a.open_from(n["cookie"], client_id=n["phone"], scope=frozenset()),
    "open a service's": lambda a, n: a.client_credentials(
        client_id=n["fresh"], client_secret=n["fresh_secret"], network=NETWORK
    ),
    "rotate": lambda a, n: a.refresh(n["refresh"], client_id=n["phone"], network=NETWORK),
    "reuse": _reuse,
    "sign out": lambda a, n: a.sign_out(SessionId(n["browser"])),
    "revoke a session everywhere": lambda a, n: a.revoke(
        SessionId(n["browser"]), because="test", strength="everywhere"
    ),
    "revoke a principal": lambda a, n: a.revoke(PrincipalId(n["ada"]), because="test"),
    "revoke a client": lambda a, n: a.revoke(ClientId(n["phone"]), because="test"),
    "revoke everything": lambda a, n: a.revoke(EVERYTHING_TARGET, because="test"),
    "end all but one": lambda a, n: a.end_all_but(n["cookie"]),
    "change a password": lambda a, n: a.change_password(n["cookie"], PASSWORD, NEW_PASSWORD, network=NETWORK),
    "disable an account": lambda a, n: a.disable_account(PrincipalId(n["ada"]), because="test"),
    "disable a client": lambda a, n: a.disable_client(ClientId(n["phone"]), because="test"),
    "grant": lambda a, n: a.grant(PrincipalId(n["ada"]), "notes:delete"),
    "withdraw": lambda a, n: a.withdraw(PrincipalId(n["ada"]), "notes:write"),
    "outdate": lambda a, n: a.outdate(PrincipalId(n["ada"]), because="test"),
    "rotate the keys": lambda a, n: a.rotate_keys(),
    "revoke a key": lambda a, n: a.revoke_key(a.world.signer.active or "", because="test", strength="logged"),  # type: ignore[arg-type]
}
"""What is done → how. Each is one or more durable commits."""

ENDS_BROWSER = {
    "sign in as somebody else",
    "sign out",
    "revoke a session everywhere",
    "revoke a principal",
    "revoke everything",
    "disable an account",
}
NEW_COOKIE = {"sign in again", "step up"}
"""The cookie before is good for a minute, or not."""
NEW_COOKIE_AT_ONCE = {"end all but one", "change a password"}
ENDS_APP = {
    "reuse",
    "revoke a principal",
    "revoke a client",
    "revoke everything",
    "end all but one",
    "change a password",
    "disable an account",
    "disable a client",
}


async def acceptances(authority: Authority, notes: Notes) -> dict[str, bool]:
    """Says which of the stage's sessions live and which credentials are accepted; presents the refresh tokens twice."""

    async def cookie(value: str) -> bool:
        try:
            return bool(await authority.view_of_cookie(value))
        except Rejected:
            return False

    async def refresh(token: str) -> bool:
        try:
            got = [await authority.refresh(token, client_id=notes["phone"], network=NETWORK) for _ in range(2)]
        except (Rejected, OAuthError):
            return False
        first, second = (_revealed(one.refresh_token) for one in got)
        assert first == second, "one refresh token has two successors"
        return True

    def access(token: str) -> bool:
        try:
            return bool(authority.verify(token))
        except Rejected:
            return False

    return {
        "browser": notes["browser"] in [one.id for one in await authority.sessions_of(PrincipalId(notes["ada"]))],
        "cookie": await cookie(notes["cookie"]),
        "app": await refresh(notes["refresh"]),
        "bound": await refresh(notes["bound_refresh"]),
        "ended cookie": await cookie(notes["ended_cookie"]),
        "ended token": access(notes["ended_access"]),
    }


VOLATILE = ("ts_verifier", "ts_attempt", "ts_audit_head")
"""Tables that are written beside the commits: who follows the log, how often a password was tried, how far checkpoints go."""
HIDDEN = ("kid", "public", "sealed")
"""Columns whose content is drawn by the cryptographic library."""
HIDDEN_OF_THE_TRAIL = ("seq", "facts", "chain")
"""Columns of the audit trail that depend on the others, or on how many checkpoints a job has written in between."""


def contents(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Gives every row of every table that matters, in order."""
    found = {}
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in sorted(names):
            if name.startswith("sqlite_") or name in VOLATILE:
                continue
            rows = connection.execute(f'SELECT * FROM "{name}"')
            columns = [column[0] for column in rows.description]
            hidden = HIDDEN_OF_THE_TRAIL if name == "ts_audit" else HIDDEN
            shown = [
                tuple("…" if column in hidden else value for column, value in zip(columns, row, strict=True))
                for row in rows
                if "audit.checkpoint" not in row
            ]
            found[name] = sorted(shown, key=repr)
    return found
