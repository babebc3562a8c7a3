"""What an administrator can do to a thing that is there: one table, one page that asks, one that does it.

An act is asked for with GET, which shows what it will do and asks why; it is done with POST, after which the browser is
sent to the page where the result shows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from tallystick.authority.authority import Authority
from tallystick.authority.issued import Strength
from tallystick.authority.recording import flush_trail
from tallystick.core.ids import ClientId, KeyId, PrincipalId, SessionId
from tallystick.core.secret import Secret
from tallystick.errors import InvalidRequest, NotFound, Unavailable
from tallystick.web.call import Reply
from tallystick.web.pages.admin.counter import Counter, Visit

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Order:
    """What was confirmed.

    Args:
        authority: whose call it is.
        id: of the thing.
        because: why.
        strength: when to return.
        permission: which one, for the acts that need one.
    """

    authority: Authority
    id: str
    because: str
    strength: Strength
    permission: str

    def principal(self) -> PrincipalId:
        """Gives the id as that of an account; raises NotFound."""
        return _parsed(PrincipalId.parse(self.id))

    def client(self) -> ClientId:
        """Gives the id as that of a client; raises NotFound."""
        return _parsed(ClientId.parse(self.id))


@dataclass(frozen=True, slots=True)
class Act:
    """An act.

    Args:
        title: what it does, as a heading.
        says: what follows from it, in a sentence.
        button: the word on its button.
        back: the page on which the result shows; `{id}` is the thing's.
        do: does it.
        ends: it ends something, so the strength is asked for.
        permission: it asks for a permission.
        grave: it must be confirmed with a tick.
    """

    title: str
    says: str
    button: str
    back: str
    do: Callable[[Order], Awaitable[object]]
    ends: bool = False
    permission: bool = False
    grave: bool = False


def _parsed(found: T | None) -> T:
    if found is None:
        raise NotFound("no such id", public="There is no such thing here.")
    return found


async def _end_account(order: Order) -> object:
    return await order.authority.revoke(order.principal(), because=order.because, strength=order.strength)


async def _end_session(order: Order) -> object:
    session = _parsed(SessionId.parse(order.id))
    return await order.authority.revoke(session, because=order.because, strength=order.strength)


async def _disable_account(order: Order) -> object:
    return await order.authority.disable_account(
        order.principal(), because=order.because, strength=order.strength, keep_an_administrator=True
    )


async def _enable_account(order: Order) -> object:
    return await order.authority.enable_account(order.principal(), because=order.because)


async def _grant(order: Order) -> object:
    return await order.authority.grant(order.principal(), order.permission, because=order.because)


async def _withdraw(order: Order) -> object:
    return await order.authority.withdraw(
        order.principal(), order.permission, because=order.because, keep_an_administrator=True
    )


async def _disable_client(order: Order) -> object:
    return await order.authority.disable_client(order.client(), because=order.because, strength=order.strength)


async def _enable_client(order: Order) -> object:
    return await order.authority.enable_client(order.client(), because=order.because)


async def _rotate_secret(order: Order) -> object:
    _, secret = await order.authority.rotate_secret(order.client(), because=order.because)
    return secret


async def _withdraw_secret(order: Order) -> object:
    return await order.authority.withdraw_old_secret(order.client(), because=order.because)


async def _rotate_keys(order: Order) -> object:
    return await order.authority.rotate_keys(because=order.because)


async def _revoke_key(order: Order) -> object:
    key = _parsed(KeyId.parse(order.id))
    return await order.authority.revoke_key(key, because=order.because, strength=order.strength)


_ACCOUNT, _CLIENT = "/admin/account?id={id}", "/admin/client?id={id}"
ACTS: dict[str, Act] = {
    "account.disable": Act(
        "Disable an account",
        "Nobody can sign in with it any more, and every session of it ends.",
        "Disable",
        _ACCOUNT,
        _disable_account,
        ends=True,
    ),
    "account.enable": Act(
        "Enable an account",
        "Its owner can sign in again. Sessions that have ended stay over.",
        "Enable",
        _ACCOUNT,
        _enable_account,
    ),
    "account.end": Act(
        "End all sessions of an account",
        "Its owner is signed out everywhere, offline access included, and can sign in again.",
        "End all",
        _ACCOUNT,
        _end_account,
        ends=True,
    ),
    "account.grant": Act(
        "Grant a permission",
        "The account has it at its next request.",
        "Grant",
        _ACCOUNT,
        _grant,
        permission=True,
    ),
    "account.withdraw": Act(
        "Withdraw a permission",
        "The account loses it at once; its access tokens are outdated.",
        "Withdraw",
        _ACCOUNT,
        _withdraw,
        permission=True,
    ),
    "session.end": Act(
        "End a session",
        "Whoever holds it is signed out, and what was opened from it ends with it.",
        "End",
        "/admin/endings",
        _end_session,
        ends=True,
    ),
    "client.disable": Act(
        "Disable a client",
        "It gets no tokens any more, and everything that it holds ends.",
        "Disable",
        _CLIENT,
        _disable_client,
        ends=True,
    ),
    "client.enable": Act(
        "Enable a client",
        "It gets tokens again. What has ended stays over.",
        "Enable",
        _CLIENT,
        _enable_client,
    ),
    "client.rotate-secret": Act(
        "Make a new secret",
        "The new secret is shown once. The one that is used now stays good until you withdraw it.",
        "Make a secret",
        _CLIENT,
        _rotate_secret,
    ),
    "client.withdraw-secret": Act(
        "Withdraw the old secret",
        "Only the newest secret stays good. What a service was given before must be asked for again.",
        "Withdraw",
        _CLIENT,
        _withdraw_secret,
    ),
    "keys.rotate": Act(
        "Rotate the signing keys",
        "A new key is announced now and signs once every verifier can know it. No token breaks.",
        "Rotate",
        "/admin/keys",
        _rotate_keys,
    ),
    "key.revoke": Act(
        "Revoke a signing key",
        "Everything that it signed is refused at once, everywhere, and a new key signs. Do it when the key was lost.",
        "Revoke",
        "/admin/keys",
        _revoke_key,
        ends=True,
        grave=True,
    ),
}
"""Word in the URL → the act."""


class Acting:
    """The page of an act, and the act.

    Args:
        counter: who may come in.
    """

    def __init__(self, counter: Counter) -> None:
        self.counter = counter

    async def ask(self, visit: Visit) -> Reply:
        """GET `/admin/act`: says what an act will do, and asks why."""
        what, act = _act(visit.asked("what"))
        return self.counter.page(visit, "act", act.title, what=what, act=act, id=visit.asked("id"))

    async def do(self, visit: Visit) -> Reply:
        """POST `/admin/act`: does it, records it with its reason, and goes where the result shows."""
        what, act = _act(visit.told("what"))
        because, strength = visit.told("because"), visit.told("strength") or "everywhere"
        if not because:
            raise InvalidRequest("no reason", public="Say why: the reason is kept in the audit trail.")
        if strength not in ("logged", "everywhere"):
            raise InvalidRequest("no such strength", public="The strength is 'logged' or 'everywhere'.")
        if act.grave and not visit.body.flag("confirm"):
            raise InvalidRequest("not confirmed", public="Tick that you mean it.")
        chosen: Strength = "logged" if strength == "logged" else "everywhere"
        order = Order(self.counter.authority, visit.told("id"), because, chosen, visit.told("permission"))
        result = await act.do(order)
        with suppress(Unavailable):
            # What became of it is the next thing that is looked at.
            await flush_trail(order.authority.world)
        if what == "client.rotate-secret":
            secret = result.reveal() if isinstance(result, Secret) else ""
            return self.counter.page(visit, "secret", "The new secret", id=order.id, secret=secret)
        joiner = "&" if "?" in act.back else "?"
        return self.counter.go(f"{act.back.format(id=quote(order.id, safe=''))}{joiner}done={what}")


def _act(what: str) -> tuple[str, Act]:
    act = ACTS.get(what)
    if act is None:
        raise NotFound("no such act")
    return what, act
