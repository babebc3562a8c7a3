"""The whole tree of errors.

    TallystickError                 abstract; code · public · detail
    ├── Rejected                    what was presented is no good                        401
    │   ├── CredentialMissing       CredentialMalformed     CredentialExpired
    │   ├── SignatureInvalid        KeyUnknown              IssuerMismatch    AudienceMismatch
    │   ├── SessionEnded            CredentialOutdated      RefreshReused
    │   ├── AuthenticationFailed    (wrong identifier or password; never says which)
    │   └── AuthenticationIncomplete · AuthenticationExpired   (a second factor is wanted; took too long)
    ├── Denied                      good, but not enough
    │   ├── InsufficientScope       CrossSite                                            403
    │   └── AuthenticationTooOld    step-up wanted (RFC 9470)                            401
    ├── InvalidRequest              the request itself is malformed                      400
    │   ├── BodyTooLarge            UnsupportedBody         NotFound                     413 · 415 · 404
    │   ├── MethodNotAllowed        UnknownHost                                          405 · 421
    │   ├── AlreadyExists           LastAdministrator     PasswordRefused                409 · 409 · 422
    │   ├── PlainHttp               BackupRefused                                        400
    │   └── LinkInvalid             (from a mail: used, too old, or none)                400
    ├── Throttled                   later: carries retry_after_s                         429
    ├── OAuthError                  one subclass per registered code (RFC 6749 5.2)      400 · 401
    ├── Conflict                    lost a compare-and-swap; settled inside, never shown
    ├── Unavailable                 our own trouble; nothing was consumed                503
    │   ├── LeaseLapsed             the verifier may not trust its memory
    │   └── Overloaded              the hashing queue is full
    └── Misconfigured               raised while building, never while serving

`code` is stable and public: tests and clients compare it, never the text. `public` may be shown to anybody;
`detail` is for the log. Neither ever holds a secret.
"""

from __future__ import annotations

from typing import Any, ClassVar


class TallystickError(Exception):
    """The root of every error that tallystick raises; abstract.

    Args:
        detail: a sentence for the log; never shown to a client, never a secret.
        public: a sentence for anybody; the class has a default.
    """

    code: ClassVar[str] = ""
    default_public: ClassVar[str] = ""

    def __new__(cls, *args: Any, **kwargs: Any) -> TallystickError:
        """Refuses to build a class that has no code."""
        if not cls.code:
            raise TypeError(f"{cls.__name__} is abstract: raise one of its subclasses")
        return super().__new__(cls)

    def __init__(self, detail: str = "", *, public: str | None = None) -> None:
        self.detail = detail
        self.public = self.default_public if public is None else public
        super().__init__(detail or self.public)

    def __str__(self) -> str:
        return f"{self.code}: {self.detail or self.public}"


class Rejected(TallystickError):
    """What was presented is no good: 401. Subclasses say why."""

    code = "credential.rejected"
    default_public = "The credential was not accepted."


class CredentialMissing(Rejected):
    """The request carries no credential, or none of a kind that this route accepts."""

    code = "credential.missing"
    default_public = "Sign in first."


class CredentialMalformed(Rejected):
    """The credential does not parse, or breaks a rule of its format."""

    code = "credential.malformed"
    default_public = "The credential is malformed."


class CredentialExpired(Rejected):
    """The credential's own time is over; its session may still be live."""

    code = "credential.expired"
    default_public = "The credential has expired."


class SignatureInvalid(Rejected):
    """The signature does not match, or the algorithm is not the key's."""

    code = "credential.signature_invalid"
    default_public = "The credential's signature is not valid."


class KeyUnknown(Rejected):
    """No key of the key set has the token's `kid`, or that key was revoked."""

    code = "credential.key_unknown"
    default_public = "The credential was signed by a key that is not known."


class IssuerMismatch(Rejected):
    """The `iss` claim is not the issuer that this verifier trusts."""

    code = "credential.issuer_mismatch"
    default_public = "The credential comes from another issuer."


class AudienceMismatch(Rejected):
    """The `aud` claim does not name this service."""

    code = "credential.audience_mismatch"
    default_public = "The credential is meant for another service."


class SessionEnded(Rejected):
    """The session behind the credential has ended: sign in again."""

    code = "session.ended"
    default_public = "The session has ended. Sign in again."


class CredentialOutdated(Rejected):
    """A cut covers the credential: refresh once, then look again."""

    code = "credential.outdated"
    default_public = "The credential is outdated. Refresh it once and retry."


class RefreshReused(Rejected):
    """An old refresh token came back; its session is already ended when this is seen."""

    code = "refresh.reused"
    default_public = "The refresh token was used before; its session has ended."


class RefreshBindingMismatch(Rejected):
    """A refresh token was presented by another client than its own; nothing ends."""

    code = "refresh.wrong_client"
    default_public = "The refresh token belongs to another client."


class AuthenticationFailed(Rejected):
    """The identifier or the password is wrong; which one is never said."""

    code = "authentication.failed"
    default_public = "The e-mail address or the password is wrong."


class AuthenticationIncomplete(Rejected):
    """The password was right, and a second factor is wanted: the answer carries a handle and the methods left."""

    code = "authentication.incomplete"
    default_public = "One more proof is needed."


class AuthenticationExpired(Rejected):
    """A sign-in that was begun took too long, was finished already, or was overtaken by a change of the account."""

    code = "authentication.expired"
    default_public = "This sign-in has expired. Begin again."


class ClientAuthenticationFailed(Rejected):
    """The client is unknown, disabled, or its secret is wrong."""

    code = "client.authentication_failed"
    default_public = "Client authentication failed."


class Denied(TallystickError):
    """The credential is good, but not enough. Subclasses say what is missing."""

    code = "denied"
    default_public = "Not allowed."


class InsufficientScope(Denied):
    """The session lacks a scope that the route requires (RFC 6750 section 3.1): 403.

    Args:
        scope: the scopes required, space-separated.
    """

    code = "scope.insufficient"
    default_public = "The session is not allowed to do this."

    def __init__(self, detail: str = "", *, scope: str = "", public: str | None = None) -> None:
        super().__init__(detail, public=public)
        self.scope = scope


class CrossSite(Denied):
    """A state-changing request with a cookie came from another site, or could not prove that it did not: 403."""

    code = "request.cross_site"
    default_public = "This request did not come from our own pages."


class AuthenticationTooOld(Denied):
    """A more recent authentication is wanted (RFC 9470): 401.

    Args:
        max_age_s: how old the authentication may be, in seconds.
    """

    code = "authentication.too_old"
    default_public = "Confirm that it is you first."

    def __init__(self, detail: str = "", *, max_age_s: int = 0, public: str | None = None) -> None:
        super().__init__(detail, public=public)
        self.max_age_s = max_age_s


class InvalidRequest(TallystickError):
    """The request itself is malformed: 400, nothing changed."""

    code = "request.invalid"
    default_public = "The request is malformed."


class BodyTooLarge(InvalidRequest):
    """The body is longer than 64 KiB: 413."""

    code = "request.too_large"
    default_public = "The request body is too large."


class BodyTooSlow(InvalidRequest):
    """The body did not arrive within 20 seconds: 408."""

    code = "request.too_slow"
    default_public = "The request body did not arrive in time."


class UnsupportedBody(InvalidRequest):
    """The body is of a content type that this endpoint does not read: 415."""

    code = "request.unsupported_body"
    default_public = "Send JSON or a form."


class NotFound(InvalidRequest):
    """What the request names does not exist: 404."""

    code = "not_found"
    default_public = "There is no such thing here."


class MethodNotAllowed(InvalidRequest):
    """The path exists, but not for this method: 405.

    Args:
        allow: the methods that it is there for, comma-separated.
    """

    code = "request.method_not_allowed"
    default_public = "This method is not allowed here."

    def __init__(self, detail: str = "", *, allow: str = "", public: str | None = None) -> None:
        super().__init__(detail, public=public)
        self.allow = allow


class UnknownHost(InvalidRequest):
    """The request names a host that this service does not answer for: 421."""

    code = "request.unknown_host"
    default_public = "This host is not served here."


class PlainHttp(InvalidRequest):
    """The request came over plain http, and this issuer is https: 400; a credential in it is to be changed."""

    code = "request.plain_http"
    default_public = "Use https."


class BackupRefused(InvalidRequest):
    """A backup or an archive of the log cannot be used: damaged, another issuer's, or with a gap."""

    code = "backup.refused"
    default_public = "The backup cannot be used."


class AlreadyExists(InvalidRequest):
    """What was to be created exists already: 409."""

    code = "already_exists"
    default_public = "It exists already."


class LinkInvalid(InvalidRequest):
    """A link from a mail is none, was used, is too old, or something changed since it was sent: 400."""

    code = "link.invalid"
    default_public = "This link does not work any more. Ask for a new one."


class LastAdministrator(InvalidRequest):
    """Nobody would be left who may administer: the last enabled administrator cannot be taken away: 409."""

    code = "account.last_administrator"
    default_public = "This is the last administrator who is enabled. Make somebody else an administrator first."


class PasswordRefused(InvalidRequest):
    """The new password breaks a rule; `public` says which: 422."""

    code = "password.refused"
    default_public = "Choose another password."


class Throttled(TallystickError):
    """Too many attempts; try again later: 429.

    Args:
        retry_after_s: seconds until the next attempt is allowed.
    """

    code = "throttled"
    default_public = "Too many attempts. Try again later."

    def __init__(self, detail: str = "", *, retry_after_s: float = 1.0, public: str | None = None) -> None:
        super().__init__(detail, public=public)
        self.retry_after_s = retry_after_s


class OAuthError(TallystickError):
    """An error of the OAuth 2 token endpoint (RFC 6749 section 5.2); `error` is the registered code."""

    error: ClassVar[str] = ""


class OAuthInvalidRequest(OAuthError):
    """`invalid_request`: a parameter is missing, repeated or malformed."""

    code = "oauth.invalid_request"
    error = "invalid_request"
    default_public = "A parameter is missing, repeated or malformed."


class OAuthInvalidClient(OAuthError):
    """`invalid_client`: client authentication failed: 401."""

    code = "oauth.invalid_client"
    error = "invalid_client"
    default_public = "Client authentication failed."


class OAuthInvalidGrant(OAuthError):
    """`invalid_grant`: what was presented is invalid, expired, revoked or another client's."""

    code = "oauth.invalid_grant"
    error = "invalid_grant"
    default_public = "The refresh token is not valid any more."


class OAuthUnauthorizedClient(OAuthError):
    """`unauthorized_client`: the client may not use this grant type."""

    code = "oauth.unauthorized_client"
    error = "unauthorized_client"
    default_public = "This client may not use this grant type."


class OAuthUnsupportedGrantType(OAuthError):
    """`unsupported_grant_type`: the server does not know this grant type."""

    code = "oauth.unsupported_grant_type"
    error = "unsupported_grant_type"
    default_public = "This grant type is not supported."


class OAuthInvalidScope(OAuthError):
    """`invalid_scope`: the scope is unknown, malformed or more than was granted."""

    code = "oauth.invalid_scope"
    error = "invalid_scope"
    default_public = "The scope is unknown or more than was granted."


class OAuthInvalidTarget(OAuthError):
    """`invalid_target` (RFC 8707 section 2): the audience is not a registered one."""

    code = "oauth.invalid_target"
    error = "invalid_target"
    default_public = "The audience is not one that this client may ask for."


class Conflict(TallystickError):
    """A compare-and-swap was lost; the caller decides again from fresh state. Never shown to a client."""

    code = "conflict"
    default_public = "Try again."


class Unavailable(TallystickError):
    """Our own trouble: 503 with Retry-After. Nothing was consumed; the same request may be sent again.

    Args:
        retry_after_s: seconds after which a retry makes sense.
    """

    code = "unavailable"
    default_public = "Temporarily unavailable. Try again shortly."

    def __init__(self, detail: str = "", *, retry_after_s: float = 1.0, public: str | None = None) -> None:
        super().__init__(detail, public=public)
        self.retry_after_s = retry_after_s


class LeaseLapsed(Unavailable):
    """The verifier has not heard from the log for longer than its lease, so it trusts nothing."""

    code = "lease.lapsed"


class Overloaded(Unavailable):
    """The queue for password hashing is full; nothing was hashed."""

    code = "overloaded"


class Misconfigured(TallystickError):
    """Settings or code that cannot work; raised while building or starting, never while serving."""

    code = "misconfigured"
    default_public = "The service is not configured correctly."
