"""Frozen policies that the rules receive, and named presets.

All lifetimes are whole seconds of the wall clock; the lease and what belongs to it are seconds of the boot clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.errors import Misconfigured


def seconds(n: int) -> int:
    """Gives a lifetime of n seconds."""
    return n


def minutes(n: int) -> int:
    """Gives a lifetime of n minutes, in seconds."""
    return n * 60


def hours(n: int) -> int:
    """Gives a lifetime of n hours, in seconds."""
    return n * 3600


def days(n: int) -> int:
    """Gives a lifetime of n days, in seconds."""
    return n * 86400


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise Misconfigured(f"{name} is {value}; it must lie between {low} and {high}")


@dataclass(frozen=True, slots=True)
class Staleness:
    """How far behind the log a verifier may be: the constants of the log header, one value per deployment.

    Args:
        lease_s: how long a verifier may trust its memory after it sent a beat that was answered (boot clock).
        beat_s: how often it sends one; at most a third of the lease.
        drift_ppm: the assumed bound on how much two clocks differ in rate, parts per million.
        tick_slack_s: what is added for timer granularity and scheduling.
        access_token_lifetime_max: the longest access token that anybody may mint, seconds (60 to 3600).
        near_cache_lifetime: how long a cookie's view may be kept, seconds; at most access_token_lifetime_max.
        leeway: how much two wall clocks may differ when times in tokens are judged, seconds (0 to 30).
        issuer_skew: an issuer refuses to mint while its clock differs from the store's by more, seconds.
    """

    lease_s: float = 3.0
    beat_s: float = 1.0
    drift_ppm: int = 500
    tick_slack_s: float = 0.297
    access_token_lifetime_max: int = minutes(10)
    near_cache_lifetime: int = 60
    leeway: int = 10
    issuer_skew: int = 30

    def __post_init__(self) -> None:
        _within("staleness.lease_s", self.lease_s, 0.3, 60)
        _within("staleness.beat_s", self.beat_s, 0.01, self.lease_s / 3)
        _within("staleness.drift_ppm", self.drift_ppm, 0, 100_000)
        _within("staleness.tick_slack_s", self.tick_slack_s, 0, 10)
        _within("staleness.access_token_lifetime_max", self.access_token_lifetime_max, minutes(1), hours(1))
        _within("staleness.near_cache_lifetime", self.near_cache_lifetime, 0, self.access_token_lifetime_max)
        _within("staleness.leeway", self.leeway, 0, 30)
        _within("staleness.issuer_skew", self.issuer_skew, 0, 300)

    @property
    def margin_s(self) -> float:
        """What clocks and timers may add to a lease: M = 2 · rho · L + tick_slack."""
        return 2 * self.drift_ppm / 1_000_000 * self.lease_s + self.tick_slack_s

    @property
    def bound_s(self) -> float:
        """LS = L + M: after an ending is logged, nobody accepts later than this."""
        return self.lease_s + self.margin_s

    @property
    def retention_s(self) -> int:
        """R: how long every entry stays relevant in a verifier, whole seconds rounded up."""
        longest = max(self.access_token_lifetime_max, self.near_cache_lifetime)
        return longest + self.leeway + self.issuer_skew + int(self.bound_s) + 1


@dataclass(frozen=True, slots=True)
class Clocks:
    """How long a kind of session lives.

    Args:
        idle_lifetime: seconds without use after which it expires.
        absolute_lifetime: seconds after its opening at which it expires whatever happens.
    """

    idle_lifetime: int
    absolute_lifetime: int

    def __post_init__(self) -> None:
        _within("idle_lifetime", self.idle_lifetime, 1, self.absolute_lifetime)
        _within("absolute_lifetime", self.absolute_lifetime, 1, days(400))


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything about sessions and their credentials that a deployment may choose.

    Args:
        browser: clocks of a browser's session.
        browser_kept: clocks of a browser's session when the person asked to stay signed in.
        app: clocks of an app's session that is not bound to a browser's.
        service: clocks of a service's session.
        fresh_lifetime: how long an authentication counts as fresh.
        previous_cookie_lifetime: how long the cookie before a step-up stays good, at the level it had.
        access_token_lifetime: lifetime of an access token (60 s to staleness.access_token_lifetime_max).
        refresh_grace: how long the immediate predecessor of a refresh token gets the identical successor (0 to 60 s).
        pending_lifetime: lifetime of a pending sign-in.
        link_lifetime: how long a link in a mail works (5 minutes to a day).
        sessions_per_opener_and_client: live sessions per (browser session, client); one more ends the least recently used.
        sessions_per_opener: live sessions opened from one browser session.
        unbound_sessions_per_client: live unbound sessions per (principal, client).
        signing_algorithm: what new signing keys are for: ES256, RS256, PS256, Ed25519 or HS256.
        signing_key_lifetime: how long a key signs before the next takes over.
        key_set_max_age: the max-age with which the key set is served; a new key is announced twice as long before it signs.
        staleness: the constants of the log header.
    """

    browser: Clocks = Clocks(hours(2), days(1))
    browser_kept: Clocks = Clocks(days(30), days(90))
    app: Clocks = Clocks(days(30), days(180))
    service: Clocks = Clocks(days(90), days(90))
    fresh_lifetime: int = minutes(10)
    previous_cookie_lifetime: int = 60
    access_token_lifetime: int = minutes(10)
    refresh_grace: int = 10
    pending_lifetime: int = minutes(10)
    link_lifetime: int = minutes(30)
    sessions_per_opener_and_client: int = 20
    sessions_per_opener: int = 200
    unbound_sessions_per_client: int = 50
    signing_algorithm: str = "ES256"
    signing_key_lifetime: int = days(30)
    key_set_max_age: int = minutes(5)
    staleness: Staleness = Staleness()

    def __post_init__(self) -> None:
        _within(
            "access_token_lifetime", self.access_token_lifetime, minutes(1), self.staleness.access_token_lifetime_max
        )
        _within("refresh_grace", self.refresh_grace, 0, 60)
        _within("fresh_lifetime", self.fresh_lifetime, 1, self.browser_kept.absolute_lifetime)
        _within("link_lifetime", self.link_lifetime, minutes(5), days(1))
        _within("previous_cookie_lifetime", self.previous_cookie_lifetime, 0, minutes(5))
        _within("key_set_max_age", self.key_set_max_age, 10, days(1))
        _within("signing_key_lifetime", self.signing_key_lifetime, 4 * self.key_set_max_age, days(730))
        for name in ("browser", "browser_kept", "app", "service"):
            clocks: Clocks = getattr(self, name)
            # An access token moves the idle clock when it is minted, never when it is checked.
            _within(f"{name}.idle_lifetime", clocks.idle_lifetime, self.access_token_lifetime, clocks.absolute_lifetime)
        for name in ("sessions_per_opener_and_client", "sessions_per_opener", "unbound_sessions_per_client"):
            _within(name, getattr(self, name), 1, 10_000)
        if self.signing_algorithm not in ("ES256", "RS256", "PS256", "Ed25519", "HS256"):
            raise Misconfigured(
                f"signing_algorithm {self.signing_algorithm!r} is not one of ES256, RS256, PS256, Ed25519, HS256"
            )


DEFAULT = Policy()
"""For most products."""

BANKING = Policy(
    browser=Clocks(minutes(15), hours(8)),
    browser_kept=Clocks(minutes(15), hours(12)),
    app=Clocks(days(7), days(30)),
    fresh_lifetime=minutes(5),
    access_token_lifetime=minutes(5),
    refresh_grace=5,
)
"""Short clocks: a browser is signed out after a quarter of an hour without use."""

CONSUMER = Policy(
    browser=Clocks(days(30), days(90)),
    app=Clocks(days(90), days(365)),
)
"""Long clocks: people stay signed in for weeks."""
