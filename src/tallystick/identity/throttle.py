"""Throttling: attempts so far and now → when the next attempt is allowed.

An attempt is counted before its proof is looked at, so a hundred guesses sent at once are a hundred guesses. One that is
refused is not counted: whoever waits is not made to wait longer by asking. The delay doubles with each failure and ends
at a cap, and time takes failures back, so nothing is ever locked for good. Nobody is kept waiting on an open connection:
the answer is 429 with Retry-After.

Counters are kept under two keys, (account, network) and account. The first slows a guesser down early and leaves the
account's owner elsewhere alone; the second holds against many networks, and sets in late, because a stranger could slow
the owner down with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from math import ceil

from tallystick.errors import Misconfigured

FAILURES_MAX = 100
"""Consecutive failures after which every rule must have reached its cap (NIST SP 800-63B-4 section 3.2.2)."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """What is kept under one key.

    Args:
        failures: attempts that were begun and not taken back.
        last_at: instant of the last one; 0 if there was none.
    """

    failures: int = 0
    last_at: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """How attempts of one kind are slowed down.

    Args:
        free: failures that cost no delay.
        first_s: the delay after one failure more, seconds; it doubles with each further one.
        cap_s: the longest delay, seconds.
        decay_s: after how many seconds without an attempt one failure is forgotten; not less than the cap, or waiting out
            the delays would undo them.
        spread: by what part of it jitter may shorten a delay (0 to 0.5).
    """

    free: int
    first_s: int
    cap_s: int
    decay_s: int
    spread: float = 0.2

    def __post_init__(self) -> None:
        if not (self.free >= 0 and 0 < self.first_s <= self.cap_s <= self.decay_s and 0 <= self.spread <= 0.5):
            raise Misconfigured("a throttle needs 0 <= free, 0 < first_s <= cap_s <= decay_s and 0 <= spread <= 0.5")
        if self.full > FAILURES_MAX:
            raise Misconfigured(f"a throttle must reach its cap after at most {FAILURES_MAX} failures")

    @property
    def full(self) -> int:
        """With how many failures the delay reaches its cap; more are not counted, so that decay always helps."""
        doublings = (-(-self.cap_s // self.first_s) - 1).bit_length()
        return self.free + 1 + doublings


PASSWORD = Rule(free=5, first_s=1, cap_s=900, decay_s=900)
"""Passwords of one account from one network."""

PASSWORD_ANYWHERE = Rule(free=50, first_s=1, cap_s=900, decay_s=1800)
"""Passwords of one account from anywhere: from the 61st failure on at most five guesses an hour."""

PASSWORD_DEVICE = Rule(free=10, first_s=1, cap_s=900, decay_s=1800)
"""Passwords of one account from one device that signed in to it before: the bound on what its stolen cookie buys."""

FACTOR = Rule(free=5, first_s=1, cap_s=900, decay_s=900)
"""Codes of one account, of its app or from paper, from one network."""

FACTOR_ANYWHERE = Rule(free=20, first_s=1, cap_s=3600, decay_s=3600)
"""Codes of one account from anywhere: whoever gets so far knows the password. At last one guess an hour, of which three in a
million are right: after four years one chance in ten."""

CHALLENGE = Rule(free=60, first_s=1, cap_s=60, decay_s=60)
"""Sign-ins by a passkey alone that were begun from one network and not finished; each is a row until its time is over."""

CLIENT_SECRET = Rule(free=10, first_s=1, cap_s=300, decay_s=300)
"""Wrong secrets of one client from one network."""

SIGN_UP = Rule(free=10, first_s=10, cap_s=3600, decay_s=3600)
"""New accounts from one network."""

RESET = Rule(free=10, first_s=10, cap_s=3600, decay_s=3600)
"""Links asked for from one network."""

LETTER = Rule(free=4, first_s=60, cap_s=3600, decay_s=3600, spread=0)
"""Mails to one address that anybody can cause; one too many is not sent, and nobody is told."""

LINK = Rule(free=10, first_s=1, cap_s=300, decay_s=300)
"""Links presented from one network that are none."""

REFRESH = Rule(free=20, first_s=1, cap_s=300, decay_s=300)
"""Refresh tokens presented from one network that were never issued, or to another client."""


def allowed_at(attempts: Attempts, rule: Rule, jitter: float) -> int:
    """Gives the instant from which on the next attempt is allowed.

    Args:
        attempts: what is kept under the key.
        rule: of what kind they are.
        jitter: a random fraction, 0 to 1; more of it shortens the delay, within the rule's spread.
    """
    over = min(attempts.failures, rule.full) - rule.free
    if over <= 0:
        # Not the last attempt's instant: a clock that was ahead of this one must not keep anybody waiting.
        return 0
    delay_s = min(rule.cap_s, rule.first_s << (over - 1))
    return attempts.last_at + ceil(delay_s * (1 - rule.spread * jitter))


def begin(attempts: Attempts, now: int, rule: Rule, jitter: float) -> Attempts:
    """Counts an attempt, before its proof is looked at; one that must still wait changes nothing.

    Args:
        attempts: what is kept under the key.
        now: the instant of the attempt.
        rule: of what kind it is.
        jitter: the fraction with which the caller asks `allowed_at`.

    Returns:
        What to keep from now on.
    """
    if attempts.last_at > now + rule.cap_s:
        # A clock was far ahead and came back. The next attempt waits as long as its failures say, not until then.
        return replace(attempts, last_at=now)
    if now < allowed_at(attempts, rule, jitter):
        return attempts
    forgotten = max(0, now - attempts.last_at) // rule.decay_s
    failures = max(0, attempts.failures - forgotten) + 1
    return Attempts(min(failures, rule.full), max(now, attempts.last_at))


def succeeded(attempts: Attempts, now: int) -> Attempts:
    """Forgets the failures under a key whose proof was right at last (NIST SP 800-63B-4 section 3.2.2).

    Use it for (account, network). For the account alone use `taken_back`: a stranger's failures from other networks
    shall go on counting when the owner signs in.
    """
    return Attempts(0, max(now, attempts.last_at))


def taken_back(attempts: Attempts) -> Attempts:
    """Takes back the one failure that an attempt was counted as, because its proof was right."""
    return replace(attempts, failures=max(0, attempts.failures - 1))


def network_of(address: str) -> str:
    """Gives the network that an address counts for, as text: the /24 of IPv4, the /64 of IPv6, else `unknown`.

    A /64 is the least that anybody on IPv6 has, and a neighbouring IPv4 address costs an attacker next to nothing. It is
    no hardship for neighbours, since they share a counter only when they try the same account.

    Args:
        address: of the client, as text; an IPv4 address written as IPv6 counts as IPv4.
    """
    try:
        found = ip_address(address.strip())
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if isinstance(found, IPv4Address):
        return str(IPv4Network((int(found), 24), strict=False))
    return str(IPv6Network((int(found), 64), strict=False))
