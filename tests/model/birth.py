"""A sign-in against a password change and against "everywhere but here": what is born before a cut does not outlive it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tallystick.core.ids import SessionId
from tallystick.core.policy import Policy
from tallystick.core.revocation.entry import ORIGIN, Ending, Kind, Position
from tallystick.core.session import decide
from tallystick.core.session.decision import Append, UpdateSession
from tallystick.core.session.model import Authentication
from tallystick.core.session.opening import Birth, open_browser
from tests.model.database import ADA, Database

POLICY = Policy()
HERE = SessionId.of(b"here".ljust(16, b"."))
NEW = SessionId.of(b"new".ljust(16, b"."))
PROVED = Authentication(0, ("pwd",), "password")


@dataclass(frozen=True)
class BirthState:
    """The database, a sign-in on its way, a change of the password on its way, tokens that were minted.

    Args:
        database: rows, cuts, log.
        born: the position that the sign-in read first; None before it began.
        hash_read: the password that the sign-in proved; None before it read it.
        opened: the sign-in is over.
        change: what the password change has done: 0 nothing, 1 loaded, 2 committed.
        sign_in_knew: the password that the new session rests on.
    """

    database: Database
    born: Position | None = None
    hash_read: int | None = None
    opened: bool = False
    change: int = 0
    sign_in_knew: int | None = None


class BirthModel:
    """Real openings and real "everywhere but here", with a mistake or without one."""

    def __init__(self, mistake: str = "") -> None:
        self.mistake = mistake

    def initial(self) -> Iterator[BirthState]:
        """A browser of Ada's is signed in; its password is number 0."""
        first = open_browser(Birth(HERE, ADA, Position(1, 0), 0), PROVED, bytes(32), POLICY)
        database = Database().commit(first.changes, 0)
        assert database is not None
        yield BirthState(database)

    def steps(self, state: BirthState) -> Iterator[tuple[str, BirthState]]:
        """What can happen next."""
        if not state.opened:
            yield from self._sign_in(state)
        if state.change == 0:
            yield "the browser asks for a new password; its session is loaded", replace(state, change=1)
        elif state.change == 1:
            yield from self._change(state)
        if state.change != 1 and len(state.database.log) < 3:
            cut = state.database.commit((Append(Ending(Kind.PRINCIPAL, ADA)),), 0)
            assert cut is not None
            yield "an administrator ends all of Ada's sessions", replace(state, database=cut)

    def _sign_in(self, state: BirthState) -> Iterator[tuple[str, BirthState]]:
        if state.hash_read is None:
            position = state.database.head
            if self.mistake == "born_late":
                position = None
            yield (
                f"somebody signs in: reads position {len(state.database.log)}, then password {state.database.password}",
                replace(state, born=position, hash_read=state.database.password),
            )
            return
        born = state.born if state.born is not None else state.database.head
        decision = open_browser(Birth(NEW, ADA, born, 0), PROVED, bytes(31) + b"n", POLICY)
        database = state.database.commit(decision.changes, 0)
        if self.mistake == "wall_clock_cut":
            # "Issued before the cut" by a clock of whole seconds: the same second is not before.
            opened = [change.session for change in decision.changes if hasattr(change, "session")]
            database = state.database.put(opened[0])
        if database is None:
            yield "the sign-in loses to a cut and begins again", replace(state, born=None, hash_read=None)
            return
        yield (
            "the sign-in opens its session",
            replace(state, database=database, opened=True, sign_in_knew=state.hash_read),
        )

    def _change(self, state: BirthState) -> Iterator[tuple[str, BirthState]]:
        standing = state.database.standing(HERE)
        decision = decide.end_all_but(standing, ADA, bytes(31) + b"k", 0)
        if not decision.changes:
            yield "the session that asked is over; nothing changes", replace(state, change=3)
            return
        changes = decision.changes
        if self.mistake == "kept_not_reborn":
            changes = tuple(replace(one, reborn=False) if isinstance(one, UpdateSession) else one for one in changes)
        database = state.database.commit(changes, 0)
        if database is None:
            yield "the password change loses and is decided again", state
            return
        yield (
            "the password is changed",
            replace(state, database=replace(database, password=state.database.password + 1), change=2),
        )

    def broken(self, state: BirthState) -> str | None:
        """MintedBefore and NothingResurrects."""
        standing = state.database.standing(NEW)
        if self.mistake == "wall_clock_cut":
            standing = replace(standing, newest_cut=ORIGIN)
        new = standing.live(0)
        if new is not None and state.sign_in_knew is not None and state.sign_in_knew < state.database.password:
            return "MintedBefore: a session that rests on the old password outlives the change"
        here = state.database.standing(HERE).live(0)
        last = state.database.log[-1:] if state.change == 2 else ()
        if state.change == 2 and len(state.database.log) == 1 and last and here is None:
            return "MintedBefore: the session that asked for the change fell with the others"
        return None
