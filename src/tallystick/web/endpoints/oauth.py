"""`/oauth/token`: the token endpoint (RFC 6749 section 3.2)."""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from tallystick.authority.authority import Authority
from tallystick.authority.issued import Tokens
from tallystick.errors import (
    BodyTooLarge,
    InvalidRequest,
    OAuthInvalidClient,
    OAuthInvalidGrant,
    OAuthInvalidRequest,
    OAuthInvalidScope,
    OAuthInvalidTarget,
    OAuthUnsupportedGrantType,
    Rejected,
    UnsupportedBody,
)
from tallystick.web.bodies import FORM, Body, decoded, read_body
from tallystick.web.call import Call, Reply, token_reply

AUTHENTICATION_METHODS = ("client_secret_basic", "client_secret_post", "none")
GRANT_TYPES = ("client_credentials", "refresh_token")
# RFC 6749 section 3.3
_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,128}")


class ClientCredentials(NamedTuple):
    """How a client names itself and, if it can, proves it.

    Args:
        id: its `client_id`, or None.
        secret: its secret, or None.
    """

    id: str | None
    secret: str | None

    def __repr__(self) -> str:
        return f"ClientCredentials(id={self.id!r})"


class TokenEndpoint:
    """The token endpoint.

    Args:
        authority: whose.
    """

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self._grants: Mapping[str, Callable[[Call, Form, ClientCredentials], Awaitable[Tokens]]] = {
            "client_credentials": self._client_credentials,
            "refresh_token": self._refresh,
        }

    async def trade(self, call: Call) -> Reply:
        """POST `/oauth/token`: a grant for tokens."""
        form = read_form(call.single(b"content-type"), call.body)
        if b"authorization" in call.repeated:
            raise OAuthInvalidRequest("two Authorization headers", public="Authenticate in one way only.")
        client = client_of(call.fields.get(b"authorization"), form)
        grant = self._grants.get(form.demand("grant_type"))
        if grant is None:
            raise OAuthUnsupportedGrantType("another grant type")
        return token_reply(await grant(call, form, client))

    async def _client_credentials(self, call: Call, form: Form, client: ClientCredentials) -> Tokens:
        if client.id is None or client.secret is None:
            raise OAuthInvalidClient("no client_id or no secret")
        return await self.authority.client_credentials(
            client_id=client.id,
            client_secret=client.secret,
            scope=scope_of(form.find("scope")),
            audience=self._audience(form),
            network=call.network,
        )

    async def _refresh(self, call: Call, form: Form, client: ClientCredentials) -> Tokens:
        token = form.demand("refresh_token")
        if self._audience(form) not in (None, self.authority.issuer):
            raise OAuthInvalidTarget("a refresh gives tokens for the issuer")
        try:
            return await self.authority.refresh(
                token,
                client_id=client.id,
                client_secret=client.secret,
                scope=scope_of(form.find("scope")),
                network=call.network,
            )
        except Rejected as error:
            # RFC 6749 section 5.2: malformed, expired, ended, used before, or another client's.
            raise OAuthInvalidGrant(str(error)) from error

    @staticmethod
    def _audience(form: Form) -> str | None:
        # RFC 8707 section 2 calls it `resource`; many clients say `audience`.
        audience, resource = form.find("audience"), form.find("resource")
        if audience is not None and resource is not None and audience != resource:
            raise OAuthInvalidTarget("audience and resource differ")
        return audience if audience is not None else resource


class Form:
    """The parameters of a token request; one without a value counts as left out (RFC 6749 section 3.2).

    Args:
        body: the form.
    """

    __slots__ = ("_body",)

    def __init__(self, body: Body) -> None:
        self._body = body

    def find(self, name: str) -> str | None:
        """Gives a parameter, or None."""
        return self._body.members.get(name) or None

    def demand(self, name: str) -> str:
        """Gives a parameter that must be there; raises OAuthInvalidRequest."""
        value = self.find(name)
        if value is None:
            raise OAuthInvalidRequest(f"{name} is missing", public=f"The parameter {name} is missing.")
        return value


def read_form(content_type: bytes | None, raw: bytes) -> Form:
    """Reads the parameters of a token request.

    Raises:
        UnsupportedBody: it is no form.
        OAuthInvalidRequest: it does not parse, or a parameter came twice (RFC 6749 section 3.2).
    """
    try:
        return Form(read_body(content_type, raw, (FORM,)))
    except (UnsupportedBody, BodyTooLarge):
        raise
    except InvalidRequest as error:
        raise OAuthInvalidRequest(error.detail, public=error.public) from error


def client_of(authorization: bytes | None, form: Form) -> ClientCredentials:
    """Gives how the client names itself, by Basic or by parameters, never by both (RFC 6749 section 2.3).

    Raises:
        OAuthInvalidRequest: it authenticates in two ways.
        OAuthInvalidClient: the Authorization header is not a Basic that we can read.
    """
    named, secret = form.find("client_id"), form.find("client_secret")
    if authorization is None:
        return ClientCredentials(named, secret)
    if secret is not None:
        raise OAuthInvalidRequest("two ways to authenticate", public="Authenticate in one way only.")
    basic = parse_basic(authorization)
    if named is not None and named != basic.id:
        raise OAuthInvalidRequest("client_id differs from the one in Authorization")
    return basic


def parse_basic(authorization: bytes) -> ClientCredentials:
    """Parses `Basic`: id and secret are form-encoded before they are joined (RFC 6749 section 2.3.1).

    Raises:
        OAuthInvalidClient: it cannot be read.
    """
    if authorization[:6].lower() != b"basic ":
        raise OAuthInvalidClient("an Authorization header that is no Basic")
    try:
        name, colon, secret = a2b_base64(authorization[6:].lstrip(b" "), strict_mode=True).decode().partition(":")
        if not colon:
            raise OAuthInvalidClient("Basic credentials without a colon")
        return ClientCredentials(decoded(name) or None, decoded(secret) or None)
    except ValueError:
        raise OAuthInvalidClient("Basic credentials that do not decode") from None


def scope_of(text: str | None) -> frozenset[str] | None:
    """Gives the scopes of a `scope` parameter, or None if it was left out (RFC 6749 section 3.3).

    Raises:
        OAuthInvalidScope: one of them is no scope token.
    """
    if not text:
        return None
    scopes = frozenset(text.split(" ")) - {""}
    if not scopes or not all(_SCOPE_TOKEN.fullmatch(one) for one in scopes):
        raise OAuthInvalidScope("no scope token")
    return scopes
