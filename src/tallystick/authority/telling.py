"""Tells of every proof of identity that was tried: who, how, from where, and with which result (ASVS 16.3.1)."""

from __future__ import annotations

from tallystick.authority.world import World
from tallystick.core.ids import ClientId, PrincipalId
from tallystick.core.session.decision import Event


def tell_success(
    world: World, method: str, *, network: str, principal: PrincipalId | None = None, client: ClientId | None = None
) -> None:
    """Tells that a proof was right.

    Args:
        world: for the events.
        method: `password`, `totp`, `recovery_code`, `passkey` or `client_secret`.
        network: the address that it came from.
        principal: whose it is, if it is a person's.
        client: which client's it is, or through which it came.
    """
    world.events.tell(
        (Event("authentication.succeeded", None, (("method", method), ("network", network))),),
        principal=principal,
        client=client,
    )


def tell_failure(
    world: World,
    method: str,
    reason: str,
    *,
    subject: str,
    network: str,
    principal: PrincipalId | None = None,
    client: ClientId | None = None,
) -> None:
    """Tells that a proof was wrong.

    Args:
        world: for the events.
        method: as for `tell_success`.
        reason: `wrong`, `unknown` (no such account or client), `disabled`, `expired` or `used`.
        subject: what was guessed at: an account's or client's id, or a digest of what was typed; never the text itself.
        network: the address that it came from.
        principal: whose it would be, if that is known.
        client: which client's it would be, or through which it came.
    """
    world.events.tell(
        (
            Event(
                "authentication.failed",
                None,
                (("method", method), ("reason", reason), ("subject", subject), ("network", network)),
            ),
        ),
        principal=principal,
        client=client,
    )
