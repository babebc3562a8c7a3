"""KeySet: the keys that a verifier trusts. Strict about each key, tolerant of its neighbours (RFC 7517 section 5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from tallystick.core.keys.encoding import read_object
from tallystick.core.keys.jwk import VerificationKey
from tallystick.core.keys.jwk import parse as parse_key
from tallystick.errors import Misconfigured

KEY_SET_BYTES_MAX = 256 * 1024
KEYS_MAX = 100


@dataclass(frozen=True, slots=True)
class Skipped:
    """A member of a key set that is not used.

    Args:
        place: its place in the set, from 0.
        reason: why; names members, never their values.
    """

    place: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class KeySet:
    """The keys of an issuer, immutable.

    Args:
        keys: what can be used; no two have the same kid.
        skipped: what was left out, and why.
    """

    keys: tuple[VerificationKey, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    @classmethod
    def parse(cls, source: bytes | dict[str, Any], *, shared: bool = False) -> KeySet:
        """Reads a JWKS.

        A broken member is skipped and the rest is good. Keys with the same kid are all skipped: which of them an issuer
        means cannot be known, and trying one after the other would let the order of a set decide.

        Args:
            source: the JSON text, at most 256 KiB, or what it says as a dict; at most 100 keys.
            shared: True for a set that was handed over in secret, within one trust domain: only there may symmetric
                keys (HS256) be. A set that was fetched from a URL is never shared.

        Raises:
            Misconfigured: it is no key set at all.
        """
        members = _members(source)
        usable: list[tuple[int, VerificationKey]] = []
        skipped: list[Skipped] = []
        for place, member in enumerate(members):
            try:
                usable.append((place, parse_key(member, shared=shared)))
            except ValueError as error:
                skipped.append(Skipped(place, str(error)))
        times = Counter(key.kid for _, key in usable)
        twice = {kid for kid, count in times.items() if kid is not None and count > 1}
        skipped += [Skipped(place, "a kid that another key has too") for place, key in usable if key.kid in twice]
        return cls(tuple(key for _, key in usable if key.kid not in twice), tuple(skipped))

    def without(self, kids: Collection[str]) -> KeySet:
        """Gives the set without the keys of these names: the revoked ones, which no fetch brings back."""
        return KeySet(tuple(key for key in self.keys if key.kid not in kids), self.skipped)

    def joined(self, other: KeySet) -> KeySet:
        """Gives the keys of both sets (published and shared); where both have a kid, neither key is used."""
        ours, theirs = ({key.kid for key in keys.keys if key.kid is not None} for keys in (self, other))
        return KeySet((*self.without(theirs).keys, *other.without(ours).keys), (*self.skipped, *other.skipped))

    def find(self, kid: str | None) -> VerificationKey | None:
        """Gives the key of a name, or None. Without a name: the only key of the set, if it has just one."""
        if kid is None:
            return self.keys[0] if len(self.keys) == 1 else None
        return next((key for key in self.keys if key.kid == kid), None)

    def __contains__(self, kid: str) -> bool:
        return any(key.kid == kid for key in self.keys)


def _members(source: bytes | dict[str, Any]) -> list[Any]:
    if isinstance(source, bytes):
        if len(source) > KEY_SET_BYTES_MAX:
            raise Misconfigured(f"a key set of more than {KEY_SET_BYTES_MAX} bytes")
        try:
            source = read_object(source)
        except ValueError as error:
            raise Misconfigured("a key set that is not strict JSON") from error
    members = source.get("keys") if isinstance(source, dict) else None
    if type(members) is not list or len(members) > KEYS_MAX:
        raise Misconfigured(f"a key set without a list of at most {KEYS_MAX} keys")
    return members
