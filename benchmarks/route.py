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
            paths = [path + "/a", path + "/b"] if at is server else [path]
            asked = [request("GET", one, at.port, {name: value}) for one in paths]
            return Side(at, stack.enter_context(repeating(at.port, asked, CONNECTIONS)), requests, requests // 4)

        cost = cost_per_request(
            {
                "open": side(server, "/open", "Cookie", cookie, 10_000),
                "ours": side(server, "/mine", "Cookie", cookie, 10_000),
                NAMES[0]: side(server, "/mine", "Authorization", token, 10_000),
                f"open {NAMES[1]}": side(signed, "/plain/mine", "Cookie", plain, 5000),
                NAMES[1]: side(signed, "/signed/mine", "Cookie", plain, 5000),
                f"open {NAMES[2]}": side(users, "/open", "Cookie", theirs, 3000),
                NAMES[2]: side(users, "/mine", "Cookie", theirs, 250),
            },
            rounds,
        )
    ratio = cost["open"].over(cost["ours"])
    beside = {name: cost["open" if name == NAMES[0] else f"open {name}"].over(cost[name]) for name in NAMES}
    what = "CPU of the open route ÷ the same route authenticated, Starlette"
    return [Row(what, ratio, 0.87, 0.95, beside, at_least=True, base_ns=cost["open"].cpu_ns)]


def _cookie(made: ours.House) -> str:
    body = json.dumps({"email": made.emails[0], "password": peers.PASSWORD})
    return peers.cookie_of(made.port, f"{made.path}/session", body, "application/json")
