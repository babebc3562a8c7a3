"""What the account page says of sessions: which hangs beneath which, and under what name. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tallystick.core.ids import ClientId, SessionId
from tallystick.core.session.model import Session
from tallystick.web.pages.device import device_name


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as its owner recognises it.

    Args:
        id: its name.
        name: the device, or the app.
        place: where it was opened, or signed in from last; empty if nobody knows.
        active_at: instant of its last use.
        opened_at: instant of its opening.
        current: it is the one that looks at the page.
        beneath: those that were opened from it and end with it.
    """

    id: SessionId
    name: str
    place: str
    active_at: int
    opened_at: int
    current: bool
    beneath: tuple[SessionRow, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionList:
    """All live sessions of a person.

    Args:
        browsers: the one that looks first, then those used last; what was opened from each is beneath it.
        apps: those that no browser's ending ends.
    """

    browsers: tuple[SessionRow, ...]
    apps: tuple[SessionRow, ...]

    @property
    def others(self) -> bool:
        """Whether there is any but the one that looks."""
        return bool(self.apps) or len(self.browsers) > 1


def session_list(
    sessions: Sequence[Session],
    current: SessionId,
    clients: Mapping[ClientId, str],
    place_of: Callable[[str], str],
) -> SessionList:
    """Arranges sessions.

    Args:
        sessions: all that are live.
        current: the one that looks.
        clients: the names of apps.
        place_of: network → where that is.
    """
    shown = {one.id for one in sessions if one.client is None}

    def row(session: Session, beneath: tuple[SessionRow, ...] = ()) -> SessionRow:
        named = device_name(session.label)
        if session.client is not None:
            named = clients.get(session.client) or "An app"
        return SessionRow(
            session.id,
            named,
            place_of(session.network) if session.network else "",
            session.active_at,
            session.opened_at,
            session.id == current,
            beneath,
        )

    def under(browser: SessionId) -> tuple[SessionRow, ...]:
        return tuple(row(one) for one in ordered if one.bound and one.opened_from == browser)

    ordered = sorted(sessions, key=lambda one: (one.id != current, -one.active_at, one.id))
    return SessionList(
        tuple(row(one, under(one.id)) for one in ordered if one.client is None),
        tuple(row(one) for one in ordered if one.client is not None and not (one.bound and one.opened_from in shown)),
    )
