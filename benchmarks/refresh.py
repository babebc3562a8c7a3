"""Refresh rotation per CPU second, against node-oidc-provider: the same grant of a public client, an ES256 JWT from both.

Ours is durable: each rotation is synced to disk before it is answered. The peer's is in memory. The first tokens come
from a native sign-in with us and from the authorization code flow with the peer; only the token endpoint is measured.
"""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks import ours, setup
from benchmarks.compare import Side, cost_per_request
from benchmarks.harness import Row
from benchmarks.load import refreshing
from benchmarks.peers import oidc_provider as peer

CONNECTIONS = 64
PEER = "node-oidc-provider"


def run(rounds: int = 7) -> list[Row]:
    """Measures the row."""
    setup.node_packages()
    with ExitStack() as stack:
        made = stack.enter_context(ours.house(people=4))
        server, node = stack.enter_context(ours.served(made)), stack.enter_context(peer.oidc_provider())
        mine = ours.refresh_tokens(made, CONNECTIONS)
        theirs = [peer.refresh_token(node.port) for _ in range(CONNECTIONS)]
        chains = stack.enter_context(refreshing(made.port, ours.TOKEN_PATH, made.app, mine, CONNECTIONS))
        others = stack.enter_context(refreshing(node.port, peer.TOKEN_PATH, peer.APP, theirs, CONNECTIONS))
        cost = cost_per_request(
            {"ours": Side(server, chains, 4000, 1000), PEER: Side(node, others, 4000, 8000)},
            rounds,
        )
    ratio = cost[PEER].over(cost["ours"])
    what = "refresh rotation, SQLite FULL, per CPU second ÷ node-oidc-provider in memory"
    return [Row(what, ratio, 1, 2, {}, at_least=True, base_ns=cost[PEER].cpu_ns)]
