"""The pages of `/admin` that are read, and the two forms that create something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tallystick.audit import AuditEntry
from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.revocation.entry import Position
from tallystick.core.session.model import Session
from tallystick.errors import InvalidRequest, NotFound
from tallystick.identity.account import ADMIN_PERMISSION, Account
from tallystick.oauth.client import CLIENT_KINDS
from tallystick.web.call import Reply
from tallystick.web.pages.admin.acts import ACTS
from tallystick.web.pages.admin.counter import Counter, Visit
from tallystick.web.pages.admin.rows import act_row, ending_row, key_rows, moment, session_row, verifier_row

PAGE = 50
ACTS_LOOKED_THROUGH = 1000


class Showing:
    """What an administrator looks at.

    Args:
        counter: who may come in.
    """

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.authority = counter.authority
        self.place_of = counter.authority.world.place_of

    def _page(self, template: str, visit: Visit, title: str, **words: object) -> Reply:
        done = ACTS[visit.asked("done")].title if visit.asked("done") in ACTS else ""
        return self.counter.page(visit, template, title, done=done, moment=moment, **words)

    async def overview(self, visit: Visit) -> Reply:
        """GET `/admin`: how it stands."""
        keys, head = await self.authority.keys(), await self.authority.head()
        verifiers = await self.authority.verifiers()
        acts = await self.authority.acts(limit=10)
        return self._page(
            "overview",
            visit,
            "Overview",
            keys=key_rows(keys, self.authority.policy),
            head=head.text(),
            verifiers=[verifier_row(one, head) for one in verifiers],
            acts=await self._act_rows(acts),
        )

    async def accounts(self, visit: Visit) -> Reply:
        """GET `/admin/accounts`: looks for accounts by the beginning of their address, or by id."""
        words, after = visit.asked("q"), visit.asked("after")
        found = await self.authority.search_accounts(words, after, PAGE + 1)
        following = found[PAGE - 1].identifier if len(found) > PAGE else ""
        return self._page("accounts", visit, "Accounts", q=words, accounts=found[:PAGE], following=following)

    async def create_account(self, visit: Visit) -> Reply:
        """POST `/admin/accounts`: creates an account with a first password."""
        permissions = frozenset({ADMIN_PERMISSION} if visit.body.flag("admin") else ())
        account = await self.authority.create_account(
            visit.body.text("email"), visit.body.text("password"), permissions=permissions
        )
        return self.counter.go(f"/admin/account?id={account.id}")

    async def account(self, visit: Visit) -> Reply:
        """GET `/admin/account`: one account, its permissions and its sessions."""
        account = await self._account(visit.asked("id"))
        sessions = await self.authority.sessions_of(account.id)
        acts = await self.authority.acts(account.id, limit=20)
        return self._page(
            "account",
            visit,
            account.email,
            account=account,
            permissions=sorted(account.permissions),
            sessions=[session_row(one, self.place_of) for one in sessions],
            acts=await self._act_rows(acts),
        )

    async def clients(self, visit: Visit) -> Reply:
        """GET `/admin/clients`: apps and services."""
        found = await self.authority.clients(visit.asked("after"), PAGE + 1)
        following = str(found[PAGE - 1].id) if len(found) > PAGE else ""
        return self._page("clients", visit, "Clients", clients=found[:PAGE], following=following, kinds=CLIENT_KINDS)

    async def create_client(self, visit: Visit) -> Reply:
        """POST `/admin/clients`: registers a client and shows its secret, this once."""
        client, secret = await self.authority.create_client(
            visit.body.text("name"),
            kind=visit.body.text("kind"),
            first_party=visit.body.flag("first_party"),
            redirect_uris=visit.told("redirect_uris").split(),
            post_logout_redirect_uris=visit.told("post_logout_redirect_uris").split(),
            audiences=visit.told("audiences").split(),
            scopes=visit.told("scopes").split(),
        )
        if secret is None:
            return self.counter.go(f"/admin/client?id={client.id}")
        return self._page("secret", visit, "The new secret", id=str(client.id), secret=secret.reveal())

    async def client(self, visit: Visit) -> Reply:
        """GET `/admin/client`: one client, and the sessions that a service has."""
        client = await self.authority.find_client(visit.asked("id"))
        if client is None:
            raise NotFound("no such client", public="There is no such client.")
        sessions = await self.authority.sessions_of(client.principal) if client.kind == "service" else ()
        rows = [session_row(one, self.place_of) for one in sessions]
        return self._page("client", visit, client.name, client=client, scopes=sorted(client.scopes), sessions=rows)

    async def sessions(self, visit: Visit) -> Reply:
        """GET `/admin/sessions`: the sessions of anyone, found by address, by id, or by the id of a session."""
        words = visit.asked("q")
        whose, sessions = await self._sessions_of(words) if words else ("", ())
        rows = [session_row(one, self.place_of) for one in sessions]
        return self._page("sessions", visit, "Sessions", q=words, whose=whose, sessions=rows)

    async def endings(self, visit: Visit) -> Reply:
        """GET `/admin/endings`: the log, newest first, with strength, who confirmed, and why."""
        before = Position.parse(visit.asked("before")) if visit.asked("before") else None
        found = await self.authority.endings(before, PAGE)
        acts = await self.authority.acts(limit=ACTS_LOOKED_THROUGH)
        head = await self.authority.head()
        names = await self._names([one.ending.name for one in found] + [one.actor for one in acts[:PAGE]])
        following = found[-1].position.text() if len(found) == PAGE and found[-1].position.seq > 1 else ""
        verifiers = [verifier_row(one, head) for one in await self.authority.verifiers()]
        rows = [ending_row(one, acts, names) for one in found]
        return self._page("endings", visit, "Endings", endings=rows, following=following, verifiers=verifiers)

    async def keys(self, visit: Visit) -> Reply:
        """GET `/admin/keys`: signing keys, and what happens to each next."""
        rows = key_rows(await self.authority.keys(), self.authority.policy)
        return self._page("keys", visit, "Signing keys", keys=rows)

    async def events(self, visit: Visit) -> Reply:
        """GET `/admin/events`: the audit trail, newest first, of all or of one person."""
        words, before = visit.asked("principal"), visit.asked("before")
        if before and not (before.isdecimal() and len(before) < 19):
            raise InvalidRequest("no place", public="The address of the page is malformed.")
        whose = (await self._account(words)).id if words else None
        found = await self.authority.acts(whose, before=int(before) if before else None, limit=PAGE + 1)
        following = str(found[PAGE - 1].seq) if len(found) > PAGE else ""
        rows = await self._act_rows(found[:PAGE])
        return self._page("events", visit, "Recent events", principal=words, acts=rows, following=following)

    async def _account(self, email_or_id: str) -> Account:
        found = await self.authority.find_account(email_or_id)
        if found is None:
            raise NotFound("no such account", public="There is no such account.")
        return found

    async def _sessions_of(self, words: str) -> tuple[str, Sequence[Session]]:
        account = await self.authority.find_account(words)
        if account is not None:
            return account.email, await self.authority.sessions_of(account.id)
        session = SessionId.parse(words)
        if session is not None:
            found = (await self.authority.world.store.facts_of_session(session)).session
            if found is not None and found.ended is None:
                return f"session {session}", [found]
            client = await self.authority.find_client(words)
            if client is not None:
                return client.name, await self.authority.sessions_of(client.principal)
        return words, ()

    async def _act_rows(self, acts: Sequence[AuditEntry]) -> list[object]:
        names = await self._names([name for act in acts for name in (act.actor, act.principal, act.client)])
        return [act_row(act, names, self.place_of) for act in acts]

    async def _names(self, ids: Iterable[str]) -> dict[str, str]:
        names = {}
        for one in dict.fromkeys(ids):
            principal = PrincipalId.parse(one)
            account = await self.authority.find_account(one) if principal is not None else None
            if account is not None:
                names[one] = account.email
            elif ClientId.parse(one) is not None:
                client = await self.authority.find_client(one)
                names |= {one: client.name} if client is not None else {}
        return names
