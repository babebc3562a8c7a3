"""Opening a session when every proof was given: a browser's, which may step up the live one, or a first-party app's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tallystick.authority.browser import find_browser_session
from tallystick.authority.deliver import deliver_cookie, deliver_tokens
from tallystick.authority.issued import SignedIn, Tokens
from tallystick.authority.settle import commit
from tallystick.authority.world import World, permissions_of
from tallystick.core.ids import SessionId
from tallystick.core.revocation.entry import Position
from tallystick.core.secret import Digest
from tallystick.core.session import decide
from tallystick.core.session.decision import Decision, Outcome
from tallystick.core.session.model import Authentication
from tallystick.core.session.opening import AppGrant, Birth, open_app, open_browser
from tallystick.core.session.standing import Standing
from tallystick.errors import Conflict
from tallystick.identity.account import Account
from tallystick.ports import Facts, PutAccount, RedeemHandle, Write


@dataclass(frozen=True, slots=True)
class Proved:
    """Who proved what, and what is written with the session that it opens.

    Args:
        facts: of the read that the last proof was judged on.
        account: whose sign-in it is.
        authentication: what was proved, complete.
        born: the log position read before the first fact that the sign-in relies on.
        network: the address that it came from.
        label: what the session may be recognised by.
        changed: the account as the proof leaves it (a step that was used, a counter), if it changed.
        handle: the pending sign-in that this finishes.
    """

    facts: Facts
    account: Account
    authentication: Authentication
    born: Position
    network: str
    label: str
    changed: Account | None = None
    handle: Digest | None = None

    def writes(self, opened: SessionId) -> Sequence[Write]:
        """Gives what is committed with the session."""
        account = () if self.changed is None else (PutAccount(self.changed),)
        return (*account, *(() if self.handle is None else (RedeemHandle(self.handle, opened),)))


async def open_for_browser(world: World, proved: Proved, cookie: str | None, *, stay: bool) -> SignedIn:
    """Opens a browser's session; the same person in the same browser steps up the live one, somebody else replaces it."""
    now, account = world.clock.now(), proved.account
    decision = await _for_browser(world, proved, cookie, now, stay=stay)
    assert decision.to_deliver is not None
    opened = decision.to_deliver.session
    committed = await commit(world, decision, *proved.writes(opened.id), now=now)
    session = committed.sessions.get(opened.id, opened)
    return deliver_cookie(
        world, decision.to_deliver, session, proved.changed or account, proved.facts.position, now=now
    )


async def _for_browser(world: World, proved: Proved, cookie: str | None, now: int, *, stay: bool) -> Decision:
    account, fresh = proved.account, world.entropy.bytes(32)
    present = await find_browser_session(world, cookie, now)
    if present is not None and present.session.principal == account.id:
        clocks = world.policy.browser_kept if stay else world.policy.browser
        decision = decide.step_up(
            present.standing, present.digest, proved.authentication, fresh, world.policy, now, clocks=clocks
        )
        if decision.outcome is Outcome.STEPPED_UP:
            return decision
    birth = Birth(world.new_session_id(), account.id, proved.born, now, proved.label, proved.network)
    replaced = present.session if present is not None else None
    return open_browser(birth, proved.authentication, fresh, world.policy, kept=stay, replaces=replaced)


async def open_for_app(world: World, proved: Proved, scope: frozenset[str] | None) -> Tokens:
    """Opens a session of a first-party native client; bound to no browser.

    Args:
        world: ports and policy.
        proved: its facts have the client, which the caller has judged.
        scope: what was asked for, within what the client may have; all of that if None.

    Raises:
        Conflict: the client changed meanwhile.
    """
    now, client = world.clock.now(), proved.facts.client
    if client is None or not client.enabled:
        raise Conflict("the client changed meanwhile")
    grant = AppGrant(client.id, client.scopes if scope is None else scope, client.audiences, world.newest_master)
    birth = Birth(world.new_session_id(), proved.account.id, proved.born, now, proved.label, proved.network)
    existing = await world.store.sessions_of(proved.account.id)
    decision = open_app(birth, grant, proved.authentication, world.policy, existing)
    assert decision.to_deliver is not None
    session = decision.to_deliver.session
    await commit(world, decision, *proved.writes(session.id), now=now)
    standing = Standing(
        position=proved.facts.position,
        session=session,
        opener=None,
        enabled=True,
        permissions=permissions_of(proved.account, None),
        newest_cut=proved.facts.cuts.newest,
    )
    return deliver_tokens(world, standing, decision.to_deliver, now=now)
