"""A sign-in from a network that its account never used, right after the account was guessed at.

Theory of operation. People travel, so a new network alone says nothing. A password that was found by guessing shows as
failures on one account, from wherever, and then a sign-in from where that account was never seen. It takes five failures
within an hour. What is remembered is bounded, and a new process remembers nothing: then the account's own network would be
new too, so an account counts only once it has been seen to sign in.
"""

from __future__ import annotations

from tallystick.core.verification.bounded import Bounded
from tallystick.observe.anomaly.evidence import Evidence

WINDOW_S = 3600
FAILURES = 5
ACCOUNTS = 20_000
NETWORKS_EACH = 8
SERIES = "new_network"


class Networks:
    """Which networks accounts sign in from, and how often each was guessed at."""

    def __init__(self) -> None:
        self._known: Bounded[str, tuple[str, ...]] = Bounded(ACCOUNTS)
        self._failed: Bounded[str, tuple[int, int]] = Bounded(ACCOUNTS)

    def failed(self, account: str, now: int) -> None:
        """Takes a wrong proof."""
        times, since = self._failed.get(account) or (0, now)
        self._failed.put(account, (times + 1, since) if now - since < WINDOW_S else (1, now))

    def signed_in(self, account: str, network: str, now: int) -> Evidence | None:
        """Takes a right proof; gives what stands against what if it came from a network that is new to the account."""
        known = self._known.get(account)
        times, since = self._failed.get(account) or (0, now)
        self._failed.drop(account)
        if known is not None and network in known:
            return None
        self._known.put(account, ((*known, network) if known else (network,))[-NETWORKS_EACH:])
        if known is None or now - since >= WINDOW_S:
            return None
        return Evidence(
            SERIES,
            account,
            0.0,
            times,
            float(FAILURES),
            WINDOW_S,
            f"The account {account} was signed in to from {network}, where it was never seen, after {times} wrong proofs "
            f"within an hour; {FAILURES} are too many.",
        )
