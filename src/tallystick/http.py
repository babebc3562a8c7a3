"""HTTP for everybody, and pure: the credential in headers, the cookie, cross-site requests, errors as answers.

Headers are what ASGI gives: pairs of bytes, names in lower case. Nothing here knows a framework.
"""

from __future__ import annotations

import hmac
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, urlsplit

from tallystick import errors
from tallystick.core.credentials.cookie import csrf_token_of
from tallystick.core.credentials.view import SessionView

Headers = Iterable[tuple[bytes, bytes]]

COOKIE_NAME = "__Host-Http-ts"
"""The session cookie on https: no browser lets another host, a subdomain or a script set a cookie of this name."""
LOCAL_COOKIE_NAME = "ts"
"""The session cookie on http://localhost, where browsers refuse the prefix."""
CSRF_HEADER = b"x-csrf-token"
REALM = 'realm="tallystick"'
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
NO_STORE = {"Cache-Control": "no-store"}
_TOKEN68 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
_BEARER = (b"bearer ", b"bearer")
_UNQUOTABLE = re.compile(r"[^\x20\x21\x23-\x5B\x5D-\x7E]")


class Presented(NamedTuple):
    """A credential as a request carries it, not yet checked.

    Args:
        kind: `cookie` for a session cookie, `bearer` for what came in `Authorization: Bearer`.
        value: its text.
    """

    kind: Literal["cookie", "bearer"]
    value: str

    def __repr__(self) -> str:
        return f"Presented({self.kind})"


def cookie_name_of(issuer: str) -> str:
    """Gives the name of the session cookie under an issuer URL: the plain one only on http, which is localhost."""
    return LOCAL_COOKIE_NAME if issuer.startswith("http://") else COOKIE_NAME


@lru_cache(maxsize=64)
def origin_of(url: str) -> str:
    """Gives the origin of a URL as browsers write it: scheme and host in lower case, a port only if it is not the default."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    default = {"https": 443, "http": 80}.get(parts.scheme)
    port = "" if parts.port in (None, default) else f":{parts.port}"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def presented(headers: Headers, cookie_name: str = COOKIE_NAME) -> Presented | None:
    """Gives the credential that a request carries, or None. The query is never looked at (RFC 9700 section 4.3.2).

    When both arrive, the bearer decides: a program puts it there on purpose, while browsers add cookies by themselves.

    Args:
        headers: of the request.
        cookie_name: what the session cookie is called (`cookie_name_of`).

    Raises:
        CredentialMalformed: more than one Authorization header, a bearer that is no token68, two session cookies.
    """
    authorization: bytes | None = None
    cookies: list[bytes] = []
    for name, value in headers:
        if name == b"authorization":
            if authorization is not None:
                raise errors.CredentialMalformed("more than one Authorization header")
            authorization = value
        elif name == b"cookie":
            cookies.append(value)
    # RFC 6750 section 2.1 over RFC 9110 section 11.1: the scheme in any case, then 1*SP, then token68.
    if authorization is not None and authorization[:7].lower() in _BEARER:
        token = authorization[7:].lstrip(b" ")
        bare = token.rstrip(b"=")
        if not bare or bare.translate(None, _TOKEN68):
            raise errors.CredentialMalformed("the bearer is no token68")
        return Presented("bearer", token.decode())
    cookie = session_cookie(cookies, cookie_name) if cookies else None
    return None if cookie is None else Presented("cookie", cookie)


def session_cookie(cookies: Iterable[bytes], name: str) -> str | None:
    """Gives the value of the session cookie among Cookie headers, or None.

    A pair without `=` or with an empty name is nobody's, whatever its value looks like (RFC 6265bis section 5.7), and
    names are compared as they are, in case too.

    Raises:
        CredentialMalformed: there are two of that name; the order of cookies is not trustworthy.
    """
    wanted, found = name.encode(), None
    for line in cookies:
        if wanted not in line:
            continue
        for pair in line.split(b";") if b";" in line else (line,):
            key, equals, value = pair.lstrip(b" \t").partition(b"=")
            if equals and key == wanted:
                if found is not None:
                    raise errors.CredentialMalformed("two session cookies")
                found = value.rstrip(b" \t")
    return None if found is None else found.decode("latin-1")


def set_cookie(issuer: str, value: str, max_age: int | None = None) -> str:
    """Writes the Set-Cookie header of a session cookie: host-only, HttpOnly, Lax, and Secure on https.

    Args:
        issuer: the authority's URL.
        value: of the cookie.
        max_age: seconds for which the browser keeps it; None until it is closed; 0 takes it away.
    """
    secure = "" if issuer.startswith("http://") else "; Secure"
    age = "" if max_age is None else f"; Max-Age={max_age}"
    return f"{cookie_name_of(issuer)}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}"


class Decision(Enum):
    """What a request's headers say of where it comes from."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    UNDECIDED = "undecided"
    """Neither Fetch Metadata nor Origin: no browser of today, so a token must decide."""


def same_origin(method: str, headers: Headers, origin: str, trusted_origins: Collection[str] = ()) -> Decision:
    """Tells whether a request may come from our own pages: Fetch Metadata first, then Origin.

    Args:
        method: of the request; safe ones are always allowed.
        headers: of the request.
        origin: our own (`origin_of`).
        trusted_origins: others whose pages may act for whoever is signed in.
    """
    if method in SAFE_METHODS:
        return Decision.ALLOWED
    named = [(name, value) for name, value in headers if name in (b"sec-fetch-site", b"origin")]
    sites = [value for name, value in named if name == b"sec-fetch-site"]
    origins = [value for name, value in named if name == b"origin"]
    trusted = len(origins) == 1 and origins[0].decode("latin-1") in {origin, *trusted_origins}
    if sites:
        # `none` is a person's own doing: a bookmark, the address bar. An Origin of ours beside `cross-site` is a page
        # of a trusted origin; a page cannot forge either header.
        return Decision.ALLOWED if trusted or sites in ([b"same-origin"], [b"none"]) else Decision.REFUSED
    if origins:
        return Decision.ALLOWED if trusted else Decision.REFUSED
    return Decision.UNDECIDED


def guard(
    method: str,
    headers: Headers,
    credential: Presented | None,
    origin: str,
    trusted_origins: Collection[str] = (),
) -> None:
    """Refuses a state-changing request that arrives with a cookie and cannot show that it comes from our own pages.

    Args:
        method: of the request.
        headers: of the request.
        credential: what it presents. A bearer needs no check: no page of another site can add one.
        origin: our own.
        trusted_origins: others whose pages may act for whoever is signed in.

    Raises:
        CrossSite: it may come from another site.
    """
    if method in SAFE_METHODS or credential is None or credential.kind == "bearer":
        return
    headers = tuple(headers)
    decision = same_origin(method, headers, origin, trusted_origins)
    if decision is Decision.UNDECIDED:
        tokens = [value for name, value in headers if name == CSRF_HEADER]
        right = csrf_token_of(credential.value).encode()
        if len(tokens) == 1 and hmac.compare_digest(tokens[0], right):
            return
        raise errors.CrossSite("neither Fetch Metadata nor Origin nor the session's X-CSRF-Token")
    if decision is Decision.REFUSED:
        raise errors.CrossSite("Fetch Metadata or Origin names another site")


def sign_in_url(error: errors.TallystickError, method: str, headers: Headers, issuer: str, target: str) -> str | None:
    """Gives where a browser is sent that opens a page and must sign in first, or prove itself anew; None for all others.

    A program that asks with a bearer, a script of a page, a form that is sent and our own trouble are not sent anywhere.

    Args:
        error: why the page is not shown.
        method: of the request.
        headers: of the request.
        issuer: the authority's URL, whose pages are asked.
        target: path and query of the page, to come back to; it is told only where the page is on the issuer's host.
    """
    place = "step-up" if isinstance(error, errors.AuthenticationTooOld) else "sign-in"
    known = isinstance(error, errors.Rejected | errors.AuthenticationTooOld)
    fields = dict(headers)
    mode = fields.get(b"sec-fetch-mode")
    # Browsers of today say that they navigate; of others, who asks for a document takes HTML.
    opens = mode == b"navigate" or (mode is None and b"text/html" in fields.get(b"accept", b""))
    if not known or not opens or method not in ("GET", "HEAD") or b"authorization" in fields:
        return None
    parts = urlsplit(issuer)
    if fields.get(b"host", b"").decode("latin-1").lower() != parts.netloc.lower():
        return f"{issuer}/{place}"
    return f"{parts.path}/{place}?next={quote(target, safe='/')}"


def check_scopes(view: SessionView, scopes: Collection[str]) -> None:
    """Demands that a session has all of some scopes; raises InsufficientScope with their names."""
    if not view.scopes.issuperset(scopes):
        raise errors.InsufficientScope("a scope is missing", scope=" ".join(sorted(scopes)))


def check_fresh(view: SessionView, now: int, max_age_s: int) -> None:
    """Demands that a person proved themselves less than `max_age_s` seconds ago; raises AuthenticationTooOld.

    A service has no authentication, so it is never fresh.
    """
    if view.authenticated_at is None or now - view.authenticated_at >= max_age_s:
        raise errors.AuthenticationTooOld("the last authentication is too old", max_age_s=max_age_s)


@dataclass(frozen=True, slots=True)
class Answer:
    """How an error is told over HTTP.

    Args:
        status: the status code.
        headers: header fields, without those that describe the body.
        body: a JSON object.
    """

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]


STATUS: Mapping[type[errors.TallystickError], int] = {
    errors.Rejected: 401,
    errors.Denied: 403,
    errors.AuthenticationTooOld: 401,
    errors.InvalidRequest: 400,
    errors.NotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.AlreadyExists: 409,
    errors.LastAdministrator: 409,
    errors.BodyTooSlow: 408,
    errors.BodyTooLarge: 413,
    errors.UnsupportedBody: 415,
    errors.UnknownHost: 421,
    errors.PasswordRefused: 422,
    errors.Throttled: 429,
    errors.OAuthError: 400,
    errors.OAuthInvalidClient: 401,
    errors.Conflict: 503,
    errors.Unavailable: 503,
    errors.Misconfigured: 500,
}
"""Class → status: the nearest one in a class's line of descent counts."""


def response_of(error: BaseException) -> Answer:
    """Gives the answer that tells an error: the one table. What is not ours is 500 and says nothing."""
    if not isinstance(error, errors.TallystickError):
        return Answer(500, NO_STORE, {"error": "internal"})
    status = next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)
    if status == 500:
        return Answer(500, NO_STORE, {"error": "internal"})
    headers = dict(NO_STORE)
    challenge = _challenge(error, status)
    if challenge:
        headers["WWW-Authenticate"] = challenge
    match error:
        case errors.Throttled() | errors.Unavailable():
            headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
        case errors.Conflict():
            headers["Retry-After"] = "1"
        case errors.MethodNotAllowed():
            headers["Allow"] = error.allow
        case errors.OAuthError():
            # RFC 6749 section 5.2
            return Answer(status, headers, {"error": error.error, "error_description": _quotable(error.public)})
    return Answer(status, headers, {"error": error.code, "message": error.public})


_WITHOUT_TOKEN = (
    errors.CredentialMissing, errors.AuthenticationFailed, errors.AuthenticationIncomplete,
    errors.AuthenticationExpired, errors.ClientAuthenticationFailed,
)  # fmt: skip


def _challenge(error: errors.TallystickError, status: int) -> str | None:
    match error:
        case errors.InsufficientScope():
            return _bearer(error, "insufficient_scope", f', scope="{_quotable(error.scope)}"')
        case errors.AuthenticationTooOld():
            # RFC 9470 section 3
            return _bearer(error, "insufficient_user_authentication", f', max_age="{error.max_age_s}"')
        case errors.OAuthInvalidClient():
            return f"Basic {REALM}"
        case _ if isinstance(error, _WITHOUT_TOKEN):
            # RFC 6750 section 3.1: no error code when no token was presented.
            return f"Bearer {REALM}"
        case _:
            return _bearer(error, "invalid_token") if status == 401 else None


def _bearer(error: errors.TallystickError, code: str, more: str = "") -> str:
    return f'Bearer {REALM}, error="{code}", error_description="{_quotable(error.public)}"{more}'


def _quotable(text: str) -> str:
    # RFC 6749 section 5.2 and RFC 6750 section 3: visible ASCII and space, without quote and backslash.
    return _UNQUOTABLE.sub("?", text)
