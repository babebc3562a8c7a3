"""The rules of a live session: step up, allow, mint, rotate, repeat, reuse, revoke, expire. Opening is in opening.py.

Each takes where the session stands, what was asked, the policy and the instant, and gives a Decision. Nothing here reads
a clock or draws a random number, so the explorer can walk every interleaving of these very functions.
"""

from __future__ import annotations

from dataclasses import replace

from tallystick.core.credentials.cookie import cookie_of
from tallystick.core.credentials.refresh_token import GENERATION_MAX, RefreshToken
from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.policy import Clocks, Policy
from tallystick.core.revocation.entry import Ending, Kind
from tallystick.core.secret import Digest
from tallystick.core.session.decision import (
    Append,
    Decision,
    Delivery,
    EndSession,
    Event,
    Outcome,
    UpdateSession,
)
from tallystick.core.session.model import AppHolder, Authentication, Because, BrowserHolder, Session
from tallystick.core.session.moves import GUARDS, Guard, Move
from tallystick.core.session.standing import Standing, Verdict, level_of_cookie


def refresh(
    standing: Standing, presented: RefreshToken, client: ClientId, newest_version: int, policy: Policy, now: int
) -> Decision:
    """Decides what a presented refresh token does: rotate, repeat, reuse, expire, or nothing.

    Args:
        standing: the token's session and what it depends on.
        presented: the token, its MAC already checked.
        client: the client that presents it, already authenticated if it has a secret.
        newest_version: the master key version that a new generation is made with.
        policy: for the grace.
        now: the instant.
    """
    match _guarded(standing, presented, client, policy, now):
        case Guard.OVER | Guard.NOT_ITS_CLIENT as guard:
            outcome = Outcome.ENDED if guard is Guard.OVER else Outcome.REFUSED
            return Decision(outcome, because=guard.value, events=(Event("refresh.refused", presented.session),))
        case Guard.OUT_OF_TIME:
            return expire(presented.session)
        case Guard.CURRENT | Guard.BEYOND:
            return _rotate(standing, presented.generation + 1, newest_version, now)
        case Guard.PREDECESSOR:
            return _repeat(standing)
        case _:
            return revoke(presented.session, "reuse")


def _guarded(standing: Standing, presented: RefreshToken, client: ClientId, policy: Policy, now: int) -> Guard:
    session = standing.session
    verdict = standing.verdict(now)
    if verdict is Verdict.ENDED or session is None or not isinstance(session.holder, AppHolder):
        return Guard.OVER
    holder = session.holder
    holds = {
        Guard.OVER: False,
        Guard.OUT_OF_TIME: verdict is Verdict.EXPIRED or holder.generation >= GENERATION_MAX,
        Guard.NOT_ITS_CLIENT: client != holder.client,
        Guard.CURRENT: presented.generation == holder.generation,
        # Its MAC is ours, so it was handed out: rows of a backup are older than the tokens that were traded since. A
        # generation only ever goes up, so of two that present one, the second is found.
        Guard.BEYOND: holder.generation < presented.generation < GENERATION_MAX
        and session.born.epoch < standing.position.epoch,
        Guard.PREDECESSOR: presented.generation == holder.generation - 1
        and now <= holder.rotated_at + policy.refresh_grace,
        Guard.OLDER: True,
    }
    return next(guard for guard, _ in GUARDS if holds[guard])


def _rotate(standing: Standing, generation: int, newest_version: int, now: int) -> Decision:
    session = standing.session
    assert session is not None
    assert isinstance(session.holder, AppHolder)
    holder = replace(session.holder, generation=generation, master_version=newest_version, rotated_at=now)
    rotated = replace(session if session.bound else session.used(now), holder=holder)
    return Decision(
        Outcome.ROTATED,
        changes=(UpdateSession(rotated),),
        to_deliver=Delivery(rotated, refresh_generation=generation, refresh_version=newest_version, access=True),
        events=(Event("refresh.rotated", session.id),),
    )


def _repeat(standing: Standing) -> Decision:
    session = standing.session
    assert session is not None
    assert isinstance(session.holder, AppHolder)
    # The identical successor, made with the version it was made with; nothing moves, so the window does not slide.
    holder = session.holder
    return Decision(
        Outcome.REPEATED,
        to_deliver=Delivery(
            session, refresh_generation=holder.generation, refresh_version=holder.master_version, access=True
        ),
        events=(Event("refresh.repeated", session.id),),
    )


def mint(standing: Standing, now: int) -> Decision:
    """Decides whether an access token may be minted from a live session. Minting writes nothing."""
    session, verdict = standing.session, standing.verdict(now)
    if session is None or verdict is Verdict.ENDED:
        return Decision(Outcome.ENDED)
    if verdict is Verdict.EXPIRED:
        return expire(session.id)
    return Decision(Outcome.MINTED, to_deliver=Delivery(session, access=True))


def allow(standing: Standing, scopes: frozenset[str], resources: tuple[str, ...], now: int) -> Decision:
    """Decides that an app's live session may do more: scopes and resources are added to what it was granted."""
    session = standing.live(now)
    if session is None:
        return mint(standing, now)
    more = replace(
        session,
        scopes=session.scopes | scopes,
        resources=session.resources + tuple(r for r in resources if r not in session.resources),
    )
    return Decision(
        Outcome.ALLOWED,
        changes=(UpdateSession(more),),
        to_deliver=Delivery(more, access=True),
        events=(Event("session.allowed", session.id),),
    )


def step_up(
    standing: Standing,
    presented: Digest,
    authentication: Authentication,
    fresh: bytes,
    policy: Policy,
    now: int,
    *,
    clocks: Clocks | None = None,
) -> Decision:
    """Decides that a browser's live session gains an authentication and a new cookie.

    The cookie that was presented stays good for a short time, at the level it had; a new authentication attaches only
    to the new one.

    Args:
        standing: the browser's session.
        presented: digest of the cookie that asks.
        authentication: the new proof.
        fresh: 32 random bytes for the new cookie.
        policy: for the time that the previous cookie stays good.
        now: the instant.
        clocks: given when the person signed in again: the absolute clock starts anew, with these lifetimes.
    """
    session = standing.live(now)
    if session is None:
        return mint(standing, now)
    had = level_of_cookie(session, presented, now)
    if had is None:
        return Decision(Outcome.REFUSED, because="the cookie is not this session's")
    cookie = cookie_of(fresh)
    holder = BrowserHolder(Digest.of(cookie.reveal()), presented, now + policy.previous_cookie_lifetime, len(had))
    stepped = replace(session.used(now), holder=holder, authentications=(*had, authentication))
    if clocks is not None:
        stepped = replace(stepped, opened_at=now, clocks=clocks)
    return Decision(
        Outcome.STEPPED_UP,
        changes=(UpdateSession(stepped),),
        to_deliver=Delivery(stepped, cookie=cookie),
        events=(Event("session.stepped_up", session.id),),
    )


def revoke(session: SessionId, because: Because, *, offline: bool = False) -> Decision:
    """Decides that a session ends, with every session bound to it.

    Args:
        session: which one; an ending needs no look at the row, so it cannot lose a race.
        because: why.
        offline: also what was opened from it but is not bound to it (theft, an administrator).
    """
    move = Move.REUSE if because == "reuse" else Move.REVOKE
    return Decision(
        Outcome.REUSED if move is Move.REUSE else Outcome.REVOKED,
        changes=(EndSession(session, because, offline=offline),),
        events=(Event("session.ended", session, (("because", because),)),),
    )


def expire(session: SessionId) -> Decision:
    """Decides that a session's time is over. The row is marked when it is swept; the log gets no entry."""
    return Decision(Outcome.EXPIRED, events=(Event("session.expired", session),))


def cut(ending: Ending) -> Decision:
    """Decides that everything which an ending covers is over: one entry, and a durable cut for the kinds that have one."""
    if ending.kind is Kind.SESSION:
        return revoke(SessionId(ending.name), "revoked")
    return Decision(
        Outcome.REVOKED,
        changes=(Append(ending),),
        events=(Event("cut.made", None, (("kind", ending.kind.name.lower()), ("name", ending.name))),),
    )


def end_all_but(
    standing: Standing,
    principal: PrincipalId,
    fresh: bytes,
    now: int,
    *,
    level: tuple[Authentication, ...] | None = None,
) -> Decision:
    """Decides that every session of a principal ends but the browser's that asks, which is born again.

    The principal's cut and entry at p; on this session `born` becomes p, and a new cookie, the old one dead at once.
    Sessions opened from it end like the rest.

    Args:
        standing: the browser's session that asks; the caller has seen that its authentication is fresh.
        principal: whose sessions end.
        fresh: 32 random bytes for the new cookie.
        now: the instant.
        level: the authentications that the presented cookie stands for, and so the new one; None if it is the current
            cookie, which stands for all.
    """
    session = standing.live(now)
    if session is None or session.principal != principal or not isinstance(session.holder, BrowserHolder):
        return Decision(Outcome.ENDED)
    cookie = cookie_of(fresh)
    kept = replace(
        session.used(now),
        holder=BrowserHolder(Digest.of(cookie.reveal())),
        authentications=session.authentications if level is None else level,
    )
    return Decision(
        Outcome.REVOKED,
        changes=(UpdateSession(kept, reborn=True), Append(Ending(Kind.PRINCIPAL, principal))),
        to_deliver=Delivery(kept, cookie=cookie),
        events=(Event("session.ended_all_but", session.id),),
    )


def used_at(session: Session, opener: Session | None, now: int) -> tuple[SessionId, int]:
    """Gives whose idle clock a use moves: a bound session moves that of the one it was opened from."""
    return (opener.id if session.bound and opener is not None else session.id), now
