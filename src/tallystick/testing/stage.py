"""The stage on which a store is tested: people, clients and sessions that a test need not spell out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tallystick.core.ids import ClientId, KeyId, PrincipalId, SessionId
from tallystick.core.keys.lifecycle import KeyState, SigningKey
from tallystick.core.policy import DEFAULT, Staleness
from tallystick.core.revocation.entry import Ending, Kind
from tallystick.core.secret import Digest
from tallystick.core.session.decision import Append, EndSession, OpenSession
from tallystick.core.session.model import (
    AppHolder,
    Authentication,
    Because,
    BrowserHolder,
    Holder,
    ServiceHolder,
    Session,
)
from tallystick.identity.account import Account
from tallystick.oauth.client import Client
from tallystick.ports import Committed, PutAccount, PutClient, Store, Write
from tallystick.testing.clock import FakeClock

STALENESS = Staleness()


def session_id(name: str) -> SessionId:
    """Gives the id that a short name stands for."""
    return SessionId.of(name.encode().ljust(16, b".")[:16])


def principal_id(name: str) -> PrincipalId:
    """Gives the id that a short name stands for."""
    return PrincipalId.of(name.encode().ljust(16, b".")[:16])


def a_key(name: str, state: KeyState = KeyState.ACTIVE, at: int = 1) -> SigningKey:
    """Describes a signing key; its halves are no real key."""
    public = f'{{"kid":"{name}"}}'.encode()
    return SigningKey(KeyId(name), "ES256", public, b"sealed " + name.encode(), state, at, at, active_at=at)


class Stage:
    """A store that is open, on a state that other stores can be opened on too, and a clock that stands still.

    Args:
        build: builds another store on the same state.
        clock: the clock of all of them.
    """

    def __init__(self, build: Callable[[], Store], clock: FakeClock) -> None:
        self._build, self.clock = build, clock
        self._opened: list[Store] = []
        self.store: Store = build()

    async def begin(self) -> None:
        """Opens the first store."""
        self._opened.append(self.store)
        await self.store.open(STALENESS)

    async def another(self) -> Store:
        """Gives another open store on the same state, as another process would."""
        store = self._build()
        self._opened.append(store)
        await store.open(STALENESS)
        return store

    def unopened(self) -> Store:
        """Gives another store on the same state that is not open yet."""
        store = self._build()
        self._opened.append(store)
        return store

    async def end(self) -> None:
        """Closes all stores."""
        for store in self._opened:
            await store.close()

    @property
    def now(self) -> int:
        """The instant."""
        return self.clock.now()

    async def commit(self, *writes: Write, everywhere: bool = False) -> Committed:
        """Commits at the clock's instant."""
        return await self.store.commit(writes, now=self.now, everywhere=everywhere)

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def an_account(self, name: str = "ada", **more: Any) -> Account:
        """Describes an account that is not stored yet."""
        email = f"{name}@example.com"
        plain = Account(
            principal_id(name), 0, email.title(), email, "$hash", frozenset({"notes:read", "notes:write"}),
            True, self.now, self.now,
        )  # fmt: skip
        return replace(plain, **more)

    async def account(self, name: str = "ada", **more: Any) -> Account:
        """Stores an account."""
        account = self.an_account(name, **more)
        await self.commit(PutAccount(account))
        return replace(account, version=1)

    def a_client(self, name: str = "notes-app", **more: Any) -> Client:
        """Describes a client that is not stored yet."""
        plain = Client(
            ClientId(name), 0, name.title(), "native", True, True, (Digest.of(f"{name}'s secret"),),
            ("https://app.example/cb",), (), frozenset({"notes:read"}), ("https://api.example",), self.now,
        )  # fmt: skip
        return replace(plain, **more)

    async def client(self, name: str = "notes-app", **more: Any) -> Client:
        """Stores a client."""
        client = self.a_client(name, **more)
        await self.commit(PutClient(client))
        return replace(client, version=1)

    async def a_session(self, name: str, holder: Holder, principal: PrincipalId, **more: Any) -> Session:
        """Describes a session that is born now and not stored yet."""
        clocks = {BrowserHolder: DEFAULT.browser, AppHolder: DEFAULT.app, ServiceHolder: DEFAULT.service}[type(holder)]
        plain = Session(
            id=session_id(name), version=1, principal=principal, holder=holder, opened_from=None, bound=False,
            scopes=frozenset({"notes:read"}), resources=("https://api.example",),
            authentications=(Authentication(self.now, ("pwd",), "urn:tallystick:password"),),
            born=await self.store.head(), opened_at=self.now, active_at=self.now, clocks=clocks, label=f"{name}'s device",
        )  # fmt: skip
        return replace(plain, **more)

    async def a_browser(self, name: str = "browser", owner: str = "ada", **more: Any) -> Session:
        """Describes a browser's session."""
        return await self.a_session(name, BrowserHolder(Digest.of(f"cookie of {name}")), principal_id(owner), **more)

    async def an_app(self, name: str = "app", owner: str = "ada", client: str = "notes-app", **more: Any) -> Session:
        """Describes an app's session."""
        return await self.a_session(name, AppHolder(ClientId(client), 0, 1, self.now), principal_id(owner), **more)

    async def a_service(self, name: str = "service", client: str = "export", **more: Any) -> Session:
        """Describes a service's session."""
        holder = ServiceHolder(ClientId(client))
        return await self.a_session(name, holder, PrincipalId(client), **{"authentications": (), **more})

    async def open(self, session: Session, *, opener: Session | None = None, bound: bool = True) -> Session:
        """Stores a session, opened from another if one is given; gives the row as it is."""
        if opener is not None:
            session = replace(session, opened_from=opener.id, bound=bound)
            opener = await self.session(opener.id)
        committed = await self.commit(OpenSession(session, raises=opener))
        return committed.sessions[session.id]

    async def session(self, name: SessionId) -> Session:
        """Reads a session that is there."""
        found = (await self.store.facts_of_session(name)).session
        assert found is not None
        return found

    async def close_session(
        self, session: Session, because: Because = "revoked", *, offline: bool = False
    ) -> Committed:
        """Ends a session."""
        return await self.commit(EndSession(session.id, because, offline=offline))

    async def cut(self, kind: Kind, name: str) -> Committed:
        """Appends an ending that is not a session's."""
        return await self.commit(Append(Ending(kind, name)))
