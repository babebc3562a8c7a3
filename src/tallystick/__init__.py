"""Sessions that verify like JWTs. JWTs that revoke like sessions.

The public names are handed out lazily, so that a service which only verifies never loads the authority.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tallystick.authority.revoke import Everything
    from tallystick.core import policy as policies
    from tallystick.core.credentials.view import SessionView
    from tallystick.embed import Authority
    from tallystick.errors import Rejected, TallystickError, Unavailable
    from tallystick.stores.open import open_log, open_stores
    from tallystick.verifier.verifier import Verifier

_HOMES = {
    "Authority": ("tallystick.embed", "Authority"),
    "Everything": ("tallystick.authority.revoke", "Everything"),
    "Rejected": ("tallystick.errors", "Rejected"),
    "SessionView": ("tallystick.core.credentials.view", "SessionView"),
    "TallystickError": ("tallystick.errors", "TallystickError"),
    "Unavailable": ("tallystick.errors", "Unavailable"),
    "Verifier": ("tallystick.verifier.verifier", "Verifier"),
    "open_log": ("tallystick.stores.open", "open_log"),
    "open_stores": ("tallystick.stores.open", "open_stores"),
    "policies": ("tallystick.core.policy", ""),
}

__all__ = [
    "Authority",
    "Everything",
    "Rejected",
    "SessionView",
    "TallystickError",
    "Unavailable",
    "Verifier",
    "open_log",
    "open_stores",
    "policies",
]


def __getattr__(name: str) -> Any:
    """Loads a public name from its home at its first use."""
    try:
        home, attribute = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    module = import_module(home)
    value = getattr(module, attribute) if attribute else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Lists the public names."""
    return sorted(__all__)
