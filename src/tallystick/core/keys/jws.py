"""Strict JSON Web Signatures in the compact form (RFC 7515 section 3.1), verified under the rules of RFC 8725.

The key says which algorithm it is for, the caller says which algorithms may be; the token's `alg` must agree with both
and decides nothing. Headers that carry or point to keys, critical extensions and unencoded payloads are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple, TypeVar, overload

from cryptography.exceptions import InvalidSignature

from tallystick.core.keys.algorithms import ALGORITHMS, OLD_NAMES, PUBLIC_KEY_ALGORITHMS, Check, check_for
from tallystick.core.keys.encoding import NESTING_MAX, decode_urlsafe, read_object
from tallystick.core.keys.key_set import KeySet
from tallystick.errors import CredentialMalformed, KeyUnknown, Misconfigured, SignatureInvalid

TOKEN_MAX = 16 * 1024
"""The longest token that is looked at, characters; longer ones are refused before anything is decoded."""
_REFUSED_HEADERS = frozenset({"crit", "b64", "jwk", "jku", "x5u", "x5c"})
_HEADERS_KEPT = 64
_Payload = TypeVar("_Payload")
_TEXT_OR_NONE = (str, type(None))


class Header(NamedTuple):
    """What the header of a verified token says.

    Args:
        kid: the name of the key, or None.
        typ: the type, or None.
    """

    kid: str | None
    typ: str | None


class Reader:
    """Reads tokens against one key set; keep it as long as the key set lasts. Safe from several threads.

    The headers of tokens of one key are all the same text, so the last few that came with a good signature are kept.

    Args:
        keys: the keys.
        algorithms: the names that may be used; others than ALGORITHMS (and the old name EdDSA) never match anything.
    """

    __slots__ = ("_checks", "_headers")

    def __init__(self, keys: KeySet, algorithms: Collection[str] = PUBLIC_KEY_ALGORITHMS) -> None:
        allowed = {OLD_NAMES.get(name, name) for name in algorithms}.intersection(ALGORITHMS)
        self._checks: dict[str | None, tuple[str, Check] | None] = {}
        for key in keys.keys:
            # RFC 8725 section 3.1: one algorithm for one key. An RSA key that names none is for RS256 if that is allowed.
            named = next((name for name in key.algorithms if name in allowed), None)
            self._checks[key.kid] = (named, check_for(named, key.native)) if named else None
        only = keys.find(None)
        if only is not None:
            self._checks[None] = self._checks[only.kid]
        else:
            self._checks.pop(None, None)
        self._headers: dict[str, tuple[Header, Check]] = {}

    @overload
    def read(self, token: str) -> tuple[Header, dict[str, Any]]: ...
    @overload
    def read(self, token: str, payload_as: Callable[[bytes], _Payload]) -> tuple[Header, _Payload]: ...
    def read(self, token: str, payload_as: Callable[[bytes], Any] = read_object) -> tuple[Header, Any]:
        """Verifies a token and gives its header and its payload.

        Args:
            token: the compact form.
            payload_as: how the payload is read: as a strict JSON object, if nothing else is said. Raises ValueError.

        Raises:
            CredentialMalformed: it is no compact JWS, or breaks a rule of the form.
            KeyUnknown: the set has no key for it.
            SignatureInvalid: the algorithm is not the key's or not allowed, or the signature does not match.
        """
        if not isinstance(token, str) or len(token) > TOKEN_MAX:
            raise CredentialMalformed("a token that is no text, or too long")
        try:
            if "+" in token or "/" in token or "=" in token:
                raise CredentialMalformed("base64 of another alphabet, or padded")
            signed, _, signature = token.rpartition(".")
            text, dot, payload = signed.partition(".")
            if not dot or "." in payload:
                raise CredentialMalformed("a token that has not three parts")
            kept = self._headers.get(text)
            header, check = kept if kept is not None else self._header(text)
            check(decode_urlsafe(signature), signed.encode("ascii"))
            if kept is None and len(self._headers) < _HEADERS_KEPT:
                self._headers[text] = header, check
            return header, payload_as(decode_urlsafe(payload))
        except InvalidSignature:
            raise SignatureInvalid("the signature does not match") from None
        except ValueError as error:
            raise CredentialMalformed(f"not a compact JWS: {type(error).__name__}") from None

    def _header(self, text: str) -> tuple[Header, Check]:
        members = read_object(decode_urlsafe(text))
        if not _REFUSED_HEADERS.isdisjoint(members):
            raise CredentialMalformed("a header that brings keys, critical extensions or an unencoded payload")
        alg, kid, typ = members.get("alg"), members.get("kid"), members.get("typ")
        if type(alg) is not str or type(kid) not in _TEXT_OR_NONE or type(typ) not in _TEXT_OR_NONE:
            raise CredentialMalformed("a header whose alg, kid or typ is missing or no text")
        if kid not in self._checks:
            raise KeyUnknown("the key set has no such key")
        found = self._checks[kid]
        if found is None or OLD_NAMES.get(alg, alg) != found[0]:
            raise SignatureInvalid("the token's algorithm is not the key's, or not one that may be used")
        return Header(kid, typ), found[1]


class LastKeySet:
    """Keeps the reader of the key set that was handed in last, found again by equality with a copy of it."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: tuple[Any, tuple[str, ...] | None, Reader] | None = None

    def reader(self, jwks: dict[str, Any], algorithms: tuple[str, ...] | None) -> Reader:
        """Gives the reader of a key set.

        Args:
            jwks: the set as a dict.
            algorithms: the names that may be used. None lets the set say: one of symmetric keys only was handed over
                within a trust domain and means HS256; any other is a published one, where symmetric keys do not count.

        Raises:
            KeyUnknown: it is no key set.
        """
        last = self._last
        if last is not None and last[1] == algorithms and last[0] == jwks:
            return last[2]
        try:
            copied = _copy(jwks)
            names = algorithms if algorithms is not None else _implied(copied)
            reader = Reader(KeySet.parse(copied, shared="HS256" in names), names)
        except Misconfigured as error:
            raise KeyUnknown(error.detail) from None
        self._last = copied, algorithms, reader
        return reader


def _implied(jwks: Any) -> tuple[str, ...]:
    members = jwks.get("keys") if isinstance(jwks, dict) else None
    symmetric = isinstance(members, list) and all(isinstance(key, dict) and key.get("kty") == "oct" for key in members)
    return ("HS256",) if symmetric else PUBLIC_KEY_ALGORITHMS


def _copy(value: Any, depth: int = 0) -> Any:
    if depth > NESTING_MAX:
        raise Misconfigured("a key set that is nested too deeply")
    if isinstance(value, dict):
        return {name: _copy(member, depth + 1) for name, member in value.items()}
    return [_copy(member, depth + 1) for member in value] if isinstance(value, list) else value


_compact = LastKeySet()


def verify_compact(token: str, jwks: dict[str, Any], algorithms: Collection[str]) -> bytes:
    """Verifies a compact JWS and gives its payload.

    Args:
        token: the text, at most 16 KiB.
        jwks: the key set as a dict. Symmetric keys in it count only if `algorithms` names HS256.
        algorithms: what may be used, of ES256, RS256, PS256, Ed25519 (or its old name EdDSA) and HS256.

    Raises:
        CredentialMalformed: it is no compact JWS, or breaks a rule of the form.
        KeyUnknown: the set has no key for it.
        SignatureInvalid: the algorithm is not the key's or not allowed, or the signature does not match.
        Misconfigured: `algorithms` is one text.
    """
    if isinstance(algorithms, str):
        raise Misconfigured("algorithms is a collection of names, not one text")
    _, payload = _compact.reader(jwks, tuple(algorithms)).read(token, bytes)
    return payload
