"""What the tables of `/admin` show of each kind of thing: plain texts, put together without looking anything up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tallystick.audit import AuditEntry
from tallystick.audit.acts import sentence_of
from tallystick.core.keys.lifecycle import KeyState, SigningKey, announce_lead, drain_time
from tallystick.core.policy import Policy
from tallystick.core.revocation.entry import Position, Revocation
from tallystick.core.session.model import AppHolder, BrowserHolder, Session
from tallystick.ports import Registered

ENDINGS = frozenset({"session.ended", "session.ended_all_but", "cut.made", "account.disabled", "client.disabled"})
"""Acts of the audit trail that stand beside an entry of the log."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant as a page shows it.

    Args:
        text: for people, UTC to the minute.
        machine: the same for programs, as the `datetime` of a `time` element.
    """

    text: str
    machine: str


def moment(at: int | None) -> Moment | None:
    """Gives an instant as a page shows it; None for none."""
    if at is None:
        return None
    instant = datetime.fromtimestamp(at, UTC)
    return Moment(f"{instant:%Y-%m-%d %H:%M} UTC", f"{instant:%Y-%m-%dT%H:%M:%SZ}")


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session.

    Args:
        id: its name.
        device: what it may be recognised by.
        holder: browser, app or service.
        client: the client that holds it, if one does.
        place: where it was opened from.
        opened: when.
        seen: its last use that was recorded.
        expires: when it is over whatever happens.
    """

    id: str
    device: str
    holder: str
    client: str
    place: str
    opened: Moment | None
    seen: Moment | None
    expires: Moment | None


def session_row(session: Session, place_of: Callable[[str], str]) -> SessionRow:
    """Gives the row of a session."""
    match session.holder:
        case BrowserHolder():
            holder = "browser"
        case AppHolder():
            holder = "app"
        case _:
            holder = "service"
    return SessionRow(
        id=str(session.id),
        device=session.label or "not known",
        holder=holder,
        client=str(session.client or ""),
        place=place_of(session.network),
        opened=moment(session.opened_at),
        seen=moment(session.active_at),
        expires=moment(session.idle_end_at),
    )


@dataclass(frozen=True, slots=True)
class ActRow:
    """An entry of the audit trail.

    Args:
        seq: its place.
        at: when.
        name: its stable name.
        what: its sentence.
        actor: who did it.
        whom: to whom or to what.
        place: from where.
        because: why.
        more: further words.
    """

    seq: int
    at: Moment | None
    name: str
    what: str
    actor: str
    whom: str
    place: str
    because: str
    more: str


def act_row(entry: AuditEntry, names: Mapping[str, str], place_of: Callable[[str], str]) -> ActRow:
    """Gives the row of an act.

    Args:
        entry: of the trail.
        names: id → what people call it.
        place_of: gives the place of a network.
    """
    whom = [names.get(one, one) for one in (entry.principal, entry.client) if one]
    hidden = ("chain", "mac") if entry.name.startswith("audit.") else ()
    return ActRow(
        seq=entry.seq,
        at=moment(entry.at),
        name=entry.name,
        what=sentence_of(entry.name),
        actor=names.get(entry.actor, entry.actor) or "somebody unknown",
        whom=", ".join(whom) or (f"session {entry.session}" if entry.session else ""),
        place=place_of(entry.network) if entry.network else "",
        because=entry.because,
        more=", ".join(f"{word} {value}" for word, value in entry.facts if value and word not in hidden),
    )


@dataclass(frozen=True, slots=True)
class EndingRow:
    """An entry of the log, with what the trail has on it.

    Args:
        position: its place in the log.
        at: when it was appended.
        kind: what it covers.
        name: the target.
        strength: `logged`, or `everywhere` when somebody waited for it.
        acked: who confirmed it and after how long; or how long was waited.
        actor: who asked for it.
        because: why.
    """

    position: str
    at: Moment | None
    kind: str
    name: str
    strength: str
    acked: str
    actor: str
    because: str


def ending_row(entry: Revocation, acts: Sequence[AuditEntry], names: Mapping[str, str]) -> EndingRow:
    """Gives the row of an entry of the log.

    Args:
        entry: of the log.
        acts: entries of the audit trail of about the same time.
        names: id → what people call it.
    """
    place, target = entry.position.text(), entry.ending.name
    waited = next(
        (dict(a.facts) for a in acts if a.name == "ending.everywhere" and ("position", place) in a.facts), None
    )
    act = next((a for a in acts if _is_about(a, target, entry.appended_at)), None)
    return EndingRow(
        position=place,
        at=moment(entry.appended_at),
        kind=entry.ending.kind.name.lower().replace("_", " "),
        name=names.get(target, target) or "everything",
        strength="logged" if waited is None else "everywhere",
        acked="" if waited is None else _acks(waited),
        actor=names.get(act.actor, act.actor) if act is not None else "",
        because=act.because if act is not None else "",
    )


def _is_about(act: AuditEntry, target: str, at: int) -> bool:
    # The log keeps no reasons; the act was recorded in the same commit, so target and instant find it.
    known = (act.session, act.principal, act.client, dict(act.facts).get("name", ""))
    return act.name in ENDINGS and target in known and abs(act.at - at) <= 1


def _acks(waited: Mapping[str, str]) -> str:
    words = [f"{waited.get('acked', '0')} confirmed"]
    if waited.get("acked_by"):
        words[0] += f" ({waited['acked_by']})"
    if waited.get("missing", "0") != "0":
        words.append(f"{waited['missing']} did not, so the bound was waited for")
    return "; ".join(words)


@dataclass(frozen=True, slots=True)
class VerifierRow:
    """A verifier that is registered.

    Args:
        name: of the verifier.
        acked: the position that it has confirmed.
        behind: how many entries it has not confirmed.
        state: in words.
    """

    name: str
    acked: str
    behind: int
    state: str


def verifier_row(one: Registered, head: Position) -> VerifierRow:
    """Gives the row of a verifier."""
    behind = head.seq - one.acked.seq if one.acked.epoch == head.epoch else head.seq
    return VerifierRow(one.name, one.acked.text(), max(0, behind), "doubted" if one.doubted else "registered")


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A signing key.

    Args:
        kid: its name.
        algorithm: what it signs with.
        state: where in its life it is.
        since: since when it is there.
        due: what happens next, in words.
        live: it can still be revoked.
    """

    kid: str
    algorithm: str
    state: str
    since: Moment | None
    due: str
    live: bool


def key_rows(keys: Sequence[SigningKey], policy: Policy) -> list[KeyRow]:
    """Gives the rows of the signing keys, with what happens to each next."""
    return [_key_row(key, policy) for key in keys]


def _key_row(key: SigningKey, policy: Policy) -> KeyRow:
    match key.state:
        case KeyState.ANNOUNCED:
            since, wait_s, words = key.announced_at, announce_lead(policy), "signs from"
        case KeyState.ACTIVE:
            since = key.active_at or key.announced_at
            wait_s, words = policy.signing_key_lifetime - announce_lead(policy), "its successor is announced at"
        case KeyState.RETIRING:
            since, wait_s, words = key.retiring_at or 0, drain_time(policy), "is published until"
        case KeyState.RETIRED:
            since, wait_s, words = key.retired_at or 0, policy.signing_key_lifetime, "is forgotten at"
        case _:
            since, wait_s, words = key.revoked_at or 0, 0, ""
    due = moment(since + wait_s)
    assert due is not None
    return KeyRow(
        kid=str(key.kid),
        algorithm=key.algorithm,
        state=str(key.state),
        since=moment(since),
        due=f"{words} {due.text}" if words else "never comes back",
        live=key.state is not KeyState.REVOKED,
    )
