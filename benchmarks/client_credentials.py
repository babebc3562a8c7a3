"""client_credentials per CPU second, against node-oidc-provider: the same grant, an ES256 JWT from both.

`tallystick serve` reads SQLite; the peer keeps everything in memory. Both authenticate the client with Basic.
"""

from __future__ import annotations

import base64
from contextlib import ExitStack
from urllib.parse import quote, urlencode

from benchmarks import ours, setup
from benchmarks.compare import Side, cost_per_request
from benchmarks.harness import Row
from benchmarks.load import repeating, request
from benchmarks.peers import oidc_provider as peer

CONNECTIONS = 32
PEER = "node-oidc-provider"


def asking(port: int, path: str, client: str, secret: str) -> str:
    """Writes a client_credentials request (RFC 6749 sections 4.4.2 and 2.3.1)."""
    basic = base64.b64encode(f"{quote(client, safe='')}:{quote(secret, safe='')}".encode()).decode()
    body = urlencode({"grant_type": "client_credentials", "scope": ours.SCOPE})
    return request("POST", path, port, {"Authorization": f"Basic {basic}"}, body)


def run(rounds: int = 7) -> list[Row]:
    """Measures the row."""
    setup.node_packages()
    with ExitStack() as stack:
        made = stack.enter_context(ours.house())
        server, node = stack.enter_context(ours.served(made)), stack.enter_context(peer.oidc_provider())
        mine = asking(made.port, ours.TOKEN_PATH, made.service, made.service_secret)
        theirs = asking(node.port, peer.TOKEN_PATH, peer.SERVICE, peer.SERVICE_SECRET)
        sides = {
            "ours": Side(server, stack.enter_context(repeating(made.port, [mine], CONNECTIONS)), 8000, 2000),
            # V8 needs some thousand requests before its code is as fast as it gets.
            PEER: Side(node, stack.enter_context(repeating(node.port, [theirs], CONNECTIONS)), 5000, 8000),
        }
        cost = cost_per_request(sides, rounds)
    ratio = cost[PEER].over(cost["ours"])
    what = "client_credentials per CPU second ÷ node-oidc-provider in memory"
    return [Row(what, ratio, 3, 5, {}, at_least=True, base_ns=cost[PEER].cpu_ns)]
