"""An open route against the same route authenticated, in one application, by the CPU time of its process.

Ours on Starlette, by session cookie; by access token beside it. Beside both: Starlette's own signed cookie, which can never
be taken back, and fastapi-users, which reads its SQLite database at every request; each against its own open route.
"""

from __future__ import annotations

import json
from contextlib import ExitStack

from benchmarks import ours
from benchmarks.compare import Side, cost_per_request
from benchmarks.harness import Row
from benchmarks.load import repeating, request
from benchmarks.peers import python_apps as peers
from benchmarks.processes import Server

CONNECTIONS = 32
NAMES = ("by access token", "signed cookie", "fastapi-users")


def run(rounds: int = 7) -> list[Row]:
    """Measures the row."""
    with ExitStack() as stack:
        made = stack.enter_context(ours.house(path="/auth"))
        server = stack.enter_context(ours.embedded(made))
        signed, users = stack.enter_context(peers.signed_cookie()), stack.enter_context(peers.fastapi_users())
        peers.register(users.port, made.emails)
        cookie = _cookie(made)
        theirs = peers.cookie_of(users.port, peers.SIGN_IN_PATH, peers.login_form(made.emails[0]))
        plain = peers.cookie_of(signed.port, "/signed/sign-in")
        token = "Bearer " + ours.access_token(made)

        def side(at: Server, path: str, name: str, value: str, requests: int) -> Side:
            asked = request("GET", path, at.port, {name: value})
            return Side(at, stack.enter_context(repeating(at.port, [asked], CONNECTIONS)), requests, requests // 4)

        cost = cost_per_request(
            {
                "open": side(server, "/open", "Cookie", cookie, 12_000),
                "ours": side(server, "/mine", "Cookie", cookie, 12_000),
                f"open {NAMES[0]}": side(server, "/open", "Authorization", token, 12_000),
                NAMES[0]: side(server, "/mine", "Authorization", token, 12_000),
                f"open {NAMES[1]}": side(signed, "/plain/mine", "Cookie", plain, 6000),
                NAMES[1]: side(signed, "/signed/mine", "Cookie", plain, 6000),
                f"open {NAMES[2]}": side(users, "/open", "Cookie", theirs, 4000),
                NAMES[2]: side(users, "/mine", "Cookie", theirs, 400),
            },
            rounds,
        )
    ratio = cost["open"].over(cost["ours"])
    beside = {name: cost[f"open {name}"].over(cost[name]) for name in NAMES}
    what = "CPU of the open route ÷ the same route authenticated, Starlette"
    return [Row(what, ratio, 0.87, 0.95, beside, at_least=True, base_ns=cost["open"].cpu_ns)]


def _cookie(made: ours.House) -> str:
    body = json.dumps({"email": made.emails[0], "password": peers.PASSWORD})
    return peers.cookie_of(made.port, f"{made.path}/session", body, "application/json")
