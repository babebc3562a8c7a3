"""The store in memory: reads and the commit of `State`, each under its lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tallystick.audit import GENESIS, AuditEntry
from tallystick.core.credentials.view import CookieFill
from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.keys.lifecycle import SigningKey
from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import Position, Revocation
from tallystick.core.revocation.feed import Log
from tallystick.core.secret import Digest
from tallystick.core.session.handle import Handle
from tallystick.core.session.model import BrowserHolder, ServiceHolder, Session
from tallystick.errors import Misconfigured
from tallystick.identity.account import Account
from tallystick.identity.throttle import Attempts
from tallystick.oauth.client import Client
from tallystick.ports import Committed, Facts, Registered, Write
from tallystick.stores import clocks
from tallystick.stores.doubts import Doubts
from tallystick.stores.fills import CookieRow, fill_of
from tallystick.stores.limits import SESSIONS_MAX, last_use
from tallystick.stores.memory.draft import commit
from tallystick.stores.memory.log import MemoryLog
from tallystick.stores.memory.state import State
from tallystick.stores.memory.sweeping import sweep_rows


class MemoryStore:
    """A `Store` that forgets everything when its process ends.

    Args:
        state: what is kept; several stores may share one.
        clock: gives the instant, whole seconds.
        boot: gives the boot clock, seconds.
    """

    def __init__(
        self,
        state: State | None = None,
        *,
        clock: Callable[[], int] = clocks.wall,
        boot: Callable[[], float] = clocks.boot,
    ) -> None:
        self._state = state or State()
        self._clock = clock
        self._doubts = Doubts(boot)
        self._bound_s = 0.0

    async def open(self, staleness: Staleness) -> None:
        """Begins the log, or compares its constants."""
        with self._state.changed:
            if self._state.staleness is None:
                self._state.begin(staleness, self._clock())
            elif self._state.staleness != staleness:
                raise Misconfigured(f"the log header says {self._state.staleness}, this process {staleness}")
        self._bound_s = staleness.bound_s

    async def close(self) -> None:
        """Has nothing to close."""

    def log(self) -> Log:
        """Gives a log for a follower in this process."""
        return MemoryLog(self._state, self._clock)

    # ── facts ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def facts_of_session(self, session: SessionId | Digest) -> Facts:
        """Loads a session by id or by a cookie's digest."""
        with self._state.changed:
            state, position = self._state, self._state.head.position
            row = self._state.of_cookie(session) if isinstance(session, Digest) else state.sessions.get(session)
            if row is None:
                return Facts(position, cuts=state.cuts_of(None, None))
            return Facts(
                position,
                row,
                state.sessions.get(row.opened_from) if row.opened_from is not None else None,
                state.accounts.get(row.principal),
                state.clients.get(row.client) if row.client is not None else None,
                state.cuts_of(row.principal, row.client),
            )

    async def facts_of_account(self, account: PrincipalId | str) -> Facts:
        """Loads an account by id or by identifier."""
        return self._facts_of_account(account, None)

    async def facts_of_account_and_client(self, account: PrincipalId | str, client: ClientId) -> Facts:
        """Loads both."""
        return self._facts_of_account(account, client)

    def _facts_of_account(self, account: PrincipalId | str, client: ClientId | None) -> Facts:
        with self._state.changed:
            state = self._state
            if isinstance(account, PrincipalId):
                row = state.accounts.get(account)
            else:
                row = next((one for one in state.accounts.values() if one.identifier == account), None)
            found = state.clients.get(client) if client is not None else None
            cuts = state.cuts_of(None if row is None else row.id, client)
            return Facts(state.head.position, account=row, client=found, cuts=cuts)

    async def facts_of_client(self, client: ClientId) -> Facts:
        """Loads a client with its newest live service session."""
        with self._state.changed:
            state = self._state
            services = sorted(
                (one for one in state.sessions.values() if _serves(one, client)),
                key=lambda one: (one.born, one.opened_at),
            )
            cuts = state.cuts_of(PrincipalId(client), client)
            session = services[-1] if services else None
            return Facts(state.head.position, session=session, client=state.clients.get(client), cuts=cuts)

    async def resolve(self, digests: Sequence[Digest]) -> Sequence[CookieFill]:
        """Gives what cookie digests stand for."""
        with self._state.changed:
            return [fill_of(self._cookie_row(one), self._state.head.position, self._clock()) for one in digests]

    def _cookie_row(self, digest: Digest) -> CookieRow | None:
        row = self._state.of_cookie(digest)
        if row is None or not isinstance(row.holder, BrowserHolder):
            return None
        proofs, good_until = row.authentications, row.idle_end_at
        if row.holder.cookie != digest:
            proofs, good_until = proofs[: row.holder.previous_level], min(good_until, row.holder.previous_until)
        account = self._state.accounts.get(row.principal)
        standing = self._state.stands(row) and account is not None and account.enabled
        permissions = frozenset[str]() if account is None else account.permissions
        return CookieRow(row.id, row.principal, proofs, good_until, standing, permissions)

    # ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def sessions_of(self, principal: PrincipalId) -> Sequence[Session]:
        """Gives a principal's sessions that stand, newest first."""
        with self._state.changed:
            stand = [
                one for one in self._state.sessions.values() if one.principal == principal and self._state.stands(one)
            ]
        return sorted(stand, key=lambda one: (-one.opened_at, one.id))[:SESSIONS_MAX]

    async def sessions_opened_from(self, session: SessionId) -> Sequence[Session]:
        """Gives the sessions that were opened from one and stand, least recently used first."""
        with self._state.changed:
            stand = [
                one for one in self._state.sessions.values() if one.opened_from == session and self._state.stands(one)
            ]
        return sorted(stand, key=lambda one: (last_use(one), one.id))

    async def accounts(self, after: str, limit: int) -> Sequence[Account]:
        """Gives accounts in order of identifier."""
        with self._state.changed:
            found = sorted(self._state.accounts.values(), key=lambda one: one.identifier)
        return [one for one in found if one.identifier > after][:limit]

    async def clients(self, after: str, limit: int) -> Sequence[Client]:
        """Gives clients in order of id."""
        with self._state.changed:
            found = sorted(self._state.clients.values(), key=lambda one: one.id)
        return [one for one in found if one.id > after][:limit]

    async def audiences(self) -> frozenset[str]:
        """Gives the audiences of enabled clients."""
        with self._state.changed:
            return frozenset(a for one in self._state.clients.values() if one.enabled for a in one.audiences)

    async def keys(self) -> tuple[tuple[SigningKey, ...], int]:
        """Gives all signing keys and the version of the set."""
        with self._state.changed:
            return self._state.keys, self._state.keys_version

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def commit(self, writes: Sequence[Write], *, now: int, everywhere: bool = False) -> Committed:
        """Commits writes in order, all or nothing."""
        with self._state.changed:
            return commit(self._state, writes, now, everywhere=everywhere)

    async def touch(self, uses: Mapping[SessionId, int]) -> None:
        """Moves idle clocks, never backwards."""
        with self._state.changed:
            for name, at in uses.items():
                row = self._state.sessions.get(name)
                if row is not None and row.ended is None:
                    self._state.sessions[name] = row.used(at)

    async def count(self, key: str, change: Callable[[Attempts], Attempts]) -> Attempts:
        """Changes the attempts kept under a key; gives them as they were."""
        with self._state.changed:
            before = self._state.attempts.get(key, Attempts())
            self._state.attempts[key] = change(before)
            return before

    async def attempts(self, keys: Sequence[str]) -> Sequence[Attempts]:
        """Gives the attempts kept under each key."""
        with self._state.changed:
            return [self._state.attempts.get(key, Attempts()) for key in keys]

    async def setting(self, name: str, value: str | None = None) -> str | None:
        """Reads a setting; with a value, writes it first."""
        with self._state.changed:
            if value is not None:
                self._state.settings[name] = value
            return self._state.settings.get(name)

    # ── the log ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _registered(self) -> list[Registered]:
        rows = sorted(self._state.verifiers.items())
        found = [Registered(name, row.registered, row.doubted, row.acked) for name, row in rows]
        self._doubts.see(found)
        return found

    async def registry(self) -> Mapping[str, Position]:
        """Gives each verifier that may hold a lease, and the position that it has acked."""
        with self._state.changed:
            rows = self._registered()
        dead = self._doubts.dead(rows, self._bound_s)
        return {row.name: row.acked for row in rows if row not in dead}

    async def verifiers(self) -> Sequence[Registered]:
        """Gives every row of the registry."""
        with self._state.changed:
            return self._registered()

    async def doubt(self, verifiers: Sequence[str]) -> None:
        """Marks verifiers: each must register again before its next lease, or is swept."""
        with self._state.changed:
            for name in verifiers:
                if name in self._state.verifiers:
                    self._state.verifiers[name].doubted = True
            self._state.tell()
            self._registered()

    async def want_acks(self, position: Position) -> None:
        """Asks every verifier to ack a position that was appended before."""
        with self._state.changed:
            self._state.want_acks(position)
            self._state.tell()

    async def find_handle(self, digest: Digest) -> Handle | None:
        """Finds a handle by its digest."""
        with self._state.changed:
            return self._state.handles.get(digest)

    async def audit_page(self, after: int, limit: int) -> Sequence[AuditEntry]:
        """Gives entries of the audit trail after a place, in order."""
        with self._state.changed:
            return self._state.audit[after : after + limit]

    async def audit_recent(
        self, limit: int, *, before: int | None = None, principal: str | None = None
    ) -> Sequence[AuditEntry]:
        """Gives the newest entries of the audit trail, newest first."""
        with self._state.changed:
            found = self._state.audit[: None if before is None else max(0, before - 1)]
        return [one for one in reversed(found) if principal is None or one.principal == principal][:limit]

    async def audit_head(self) -> tuple[int, bytes]:
        """Gives the place and the chain of the last entry of the audit trail."""
        with self._state.changed:
            return (self._state.audit[-1].seq, self._state.audit[-1].chain) if self._state.audit else (0, GENESIS)

    async def log_page(self, after: Position, limit: int) -> Sequence[Revocation]:
        """Gives entries after a position."""
        with self._state.changed:
            return [one for one in self._state.log if one.position > after][:limit]

    async def head(self) -> Position:
        """Gives the last position of the log."""
        with self._state.changed:
            return self._state.head.position

    async def recover(self, highest: Position) -> Position:
        """Begins a new epoch, with an entry for everything, unless one has begun after what was seen."""
        with self._state.changed:
            return self._state.new_epoch(highest, self._clock())

    async def sweep(self, now: int, retention_s: int) -> int:
        """Removes what may be forgotten."""
        with self._state.changed:
            gone = sweep_rows(self._state, now, retention_s)
            rows = self._registered()
            dead = self._doubts.dead(rows, self._bound_s)
            for row in dead:
                del self._state.verifiers[row.name]
            for name in self._doubts.to_ask(rows):
                self._state.verifiers[name].doubted = True
            self._registered()
            self._state.tell()
            return gone + len(dead)


def _serves(session: Session, client: ClientId) -> bool:
    return isinstance(session.holder, ServiceHolder) and session.client == client and session.ended is None
