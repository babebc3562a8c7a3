"""Credential stuffing: many accounts fail, and do not sign in afterwards.

Theory of operation. Whoever mistypes tries again and gets in, and an office behind one address has hundreds who do. Stolen
lists are different: each line is another account, nearly all are wrong, and nobody comes back to make it right. So what is
counted are accounts that failed and have not signed in since, within ten minutes: from one network, against those of that
network that did sign in; and from everywhere, against everybody who did. Accounts that do not exist count like others.

The sets are exact and bounded: two generations of at most HELD accounts, the older of which is dropped when the younger is
full or ten minutes old, so that a flood can make it forget, which happens far beyond every limit.
"""

from __future__ import annotations

from tallystick.core.verification.bounded import Bounded
from tallystick.observe.anomaly.evidence import Evidence

WINDOW_S = 600
FROM_ONE = 20
FROM_EVERYWHERE = 100
SHARE_OF_ONE, SHARE_OF_ALL = 0.5, 0.15
HELD = 20_000
NETWORKS = 2_000
PER_NETWORK = 500
SERIES = "stuffing"


class Accounts:
    """Accounts that failed and have not signed in since, and those that signed in, of the last ten to twenty minutes.

    Args:
        held: how many of each a generation holds at most.
    """

    __slots__ = ("_begun", "_failed", "_held", "_old_failed", "_old_right", "_right")

    def __init__(self, held: int) -> None:
        self._held, self._begun = held, 0
        self._failed: set[str] = set()
        self._right: set[str] = set()
        self._old_failed: set[str] = set()
        self._old_right: set[str] = set()

    def take(self, account: str, now: int, *, wrong: bool) -> None:
        """Takes a proof."""
        age = now - self._begun
        if age >= WINDOW_S or len(self._failed) >= self._held or len(self._right) >= self._held:
            fresh = age < 2 * WINDOW_S
            self._old_failed, self._old_right = (self._failed, self._right) if fresh else (set(), set())
            self._failed, self._right, self._begun = set(), set(), now
        # Whoever is in a younger set is in no older one, so that sizes add up.
        if wrong:
            self._failed.add(account)
            self._old_failed.discard(account)
            return
        self._right.add(account)
        self._old_right.discard(account)
        self._failed.discard(account)
        self._old_failed.discard(account)

    def failed(self) -> int:
        """Gives how many failed and have not signed in since."""
        return len(self._failed) + len(self._old_failed)

    def right(self) -> int:
        """Gives how many signed in."""
        return len(self._right) + len(self._old_right)


class Stuffing:
    """Counts accounts from each network and from everywhere."""

    def __init__(self) -> None:
        self._everywhere = Accounts(HELD)
        self._networks: Bounded[str, Accounts] = Bounded(NETWORKS)

    def take(self, account: str, network: str, now: int, *, wrong: bool) -> tuple[Evidence, ...]:
        """Takes a proof; gives, for a wrong one, what stands against what: an anomaly if `observed` is beyond `threshold`."""
        here = self._networks.get(network)
        if here is None:
            here = Accounts(PER_NETWORK)
            self._networks.put(network, here)
        for accounts in (here, self._everywhere):
            accounts.take(account, now, wrong=wrong)
        if not wrong:
            return ()
        return (
            _judge(here, FROM_ONE, SHARE_OF_ONE, network, f"from the network {network}"),
            _judge(self._everywhere, FROM_EVERYWHERE, SHARE_OF_ALL, "all", "from many networks together"),
        )


def _judge(accounts: Accounts, least: int, share: float, about: str, where: str) -> Evidence:
    failed, right = accounts.failed(), accounts.right()
    limit = max(float(least), share / (1 - share) * right)
    return Evidence(
        SERIES,
        about,
        0.02 * right,
        failed,
        limit,
        WINDOW_S,
        f"{failed} different accounts failed {where} within about {WINDOW_S // 60} minutes and did not sign in afterwards, "
        f"while {right} did sign in; {limit:.0f} such accounts are too many.",
    )
