"""Known devices: who signed in from here before is not kept out by what strangers guess."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import replace

from tallystick.authority.issued import SignedIn
from tallystick.authority.notices import tell_owner
from tallystick.authority.world import World
from tallystick.core.secret import Secret
from tallystick.core.session.decision import Event
from tallystick.errors import Misconfigured
from tallystick.identity.account import Account
from tallystick.identity.device import DEVICE_BYTES, PURPOSE, Device, device_of

_LENGTH_MAX = 400
_YOUNG_S = 600
"""A first sign-in so soon after the account was made is no news to its owner."""


def read_device(world: World, presented: str | None) -> Device | None:
    """Reads a device cookie; None for none, or for one that we did not write."""
    if not presented or len(presented) > _LENGTH_MAX:
        return None
    try:
        sealed = b64decode(presented.encode() + b"=" * (-len(presented) % 4), altchars=b"-_", validate=True)
        return Device.parse(world.sealer.unseal(PURPOSE, sealed))
    except (Base64Error, UnicodeEncodeError, Misconfigured):
        return None


def find_device(world: World, presented: str | None, account: Account | None, now: int) -> Device | None:
    """Gives the device that a request presents, if it signed in to the account with its password of today."""
    # Read in any case, so that the time for it does not tell whether there is an account.
    device = read_device(world, presented)
    return device if device is not None and account is not None and device.known_to(account, now) else None


def device_cookie(world: World, account: Account, before: Device | None, now: int) -> Secret:
    """Gives the value of a device cookie for a sign-in that is complete."""
    device = device_of(account, before, world.entropy.bytes(DEVICE_BYTES), now)
    sealed = world.sealer.seal(PURPOSE, device.to_bytes())
    return Secret(urlsafe_b64encode(sealed).rstrip(b"=").decode())


def completed(
    world: World, signed: SignedIn, presented: str | None, *, network: str, label: str = "", known: bool = False
) -> SignedIn:
    """Gives what a complete sign-in hands out, with the device cookie; tells the owner of a device that is new.

    Call it once for every sign-in, after its last factor and its commit.

    Args:
        world: ports and policy.
        signed: what the sign-in gave.
        presented: the device cookie that the request carried.
        network: the address that the request came from.
        label: what the device may be recognised by.
        known: the browser is known by other means, such as a session of the same person.
    """
    now, account = world.clock.now(), signed.account
    before = read_device(world, presented)
    # Who changed the password elsewhere is no new device here, though its cookie buys nothing until now.
    seen = known or (before is not None and before.principal == account.id)
    if not seen and now >= account.created_at + _YOUNG_S:
        world.events.tell((Event("device.new", signed.view.id),), principal=account.id)
        tell_owner(world, account, "new_device", network=network, device=label or "unknown")
    return replace(signed, device=device_cookie(world, account, before, now))
