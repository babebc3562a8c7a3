"""Who may come in: an administrator with a cookie, and for every act one who has just proved who they are."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from tallystick.authority.acting import acting_as
from tallystick.authority.authority import Authority
from tallystick.core.credentials.cookie import csrf_token_of
from tallystick.core.credentials.view import SessionView
from tallystick.core.session.decision import Event
from tallystick.errors import (
    AuthenticationTooOld,
    CrossSite,
    InsufficientScope,
    InvalidRequest,
    Rejected,
    TallystickError,
)
from tallystick.http import Decision, check_fresh, check_scopes, origin_of, response_of, same_origin
from tallystick.identity.account import ADMIN_PERMISSION
from tallystick.web.bodies import FORM, Body, read_body
from tallystick.web.call import Call, Handler, Reply
from tallystick.web.pages.admin.rendering import go_to, page
from tallystick.web.presenting import Desk

BECAUSE_MAX = 500


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of an administrator.

    Args:
        call: the request.
        view: the administrator's session.
        csrf: what the forms of the page send along.
        query: what the URL asks, each name once.
        body: the form; empty for a page that is only read.
    """

    call: Call
    view: SessionView
    csrf: str
    query: Mapping[str, str]
    body: Body

    def asked(self, name: str) -> str:
        """Gives a word of the URL; empty if it is not there."""
        return self.query.get(name, "").strip()

    def told(self, name: str) -> str:
        """Gives a field of the form; empty if it is not there."""
        return (self.body.find_text(name) or "").strip()


Show = Callable[[Visit], Awaitable[Reply]]


class Counter:
    """Lets administrators in.

    Args:
        authority: whose.
        desk: of that authority.
    """

    def __init__(self, authority: Authority, desk: Desk) -> None:
        self.authority = authority
        self.desk = desk
        self.root = urlsplit(authority.issuer).path
        self.words = {"root": self.root, "issuer": authority.issuer, "done": ""}

    def reads(self, show: Show) -> Handler:
        """Makes a handler of a page that only an administrator sees."""

        async def handler(call: Call) -> Reply:
            return await self._guarded(call, show, acts=False)

        return handler

    def acts(self, do: Show) -> Handler:
        """Makes a handler of an act: of an administrator who has just proved who they are, from our own page."""

        async def handler(call: Call) -> Reply:
            return await self._guarded(call, do, acts=True)

        return handler

    async def _guarded(self, call: Call, then: Show, *, acts: bool) -> Reply:
        try:
            return await self._let_in(call, then, acts=acts)
        except TallystickError as error:
            answer = response_of(error)
            if answer.status >= 500:
                raise
            words = {**self.words, "title": "That cannot be done", "message": error.public, "code": error.code}
            return page("refused", words, answer.status)

    async def _let_in(self, call: Call, then: Show, *, acts: bool) -> Reply:
        cookie = self.desk.cookie(call)
        try:
            view = await self.desk.view(call)
        except Rejected:
            return go_to(self._with_next("/sign-in", "/admin" if acts else _here(call, self.root)))
        try:
            check_scopes(view, (ADMIN_PERMISSION,))
            if cookie is None or view.credential != "cookie":
                raise InsufficientScope("a page is for a browser", scope=ADMIN_PERMISSION)
        except InsufficientScope:
            self.authority.world.events.tell(
                (Event("access.denied", view.id, (("path", call.scope["path"][:100]),)),), principal=view.principal
            )
            raise
        body = Body(FORM, {})
        if acts:
            body = read_body(call.single(b"content-type"), call.body, (FORM,))
            self._demand_own_page(call, cookie, body)
        visit = Visit(call, view, csrf_token_of(cookie), _query(call), body)
        if not acts:
            return await then(visit)
        try:
            check_fresh(view, self.authority.world.clock.now(), self.authority.policy.fresh_lifetime)
        except AuthenticationTooOld:
            return go_to(self._with_next("/step-up", self._form_of(visit)))
        with acting_as(actor=str(view.principal), because=visit.told("because")[:BECAUSE_MAX]):
            return await then(visit)

    def _demand_own_page(self, call: Call, cookie: str, body: Body) -> None:
        headers, origin = call.scope["headers"], origin_of(self.authority.issuer)
        decision = same_origin(call.scope["method"], headers, origin)
        right = hmac.compare_digest(body.find_text("csrf") or "", csrf_token_of(cookie))
        # A page of a trusted origin may act for whoever is signed in, but not administer: only our own form may.
        if decision is Decision.REFUSED or not right:
            raise CrossSite("the form is not one of our own page")

    def _form_of(self, visit: Visit) -> str:
        # Where the form of the act stands, so that it can be looked at and confirmed again.
        kept = {name: visit.told(name) for name in ("what", "id") if visit.told(name)}
        if "what" in kept:
            return f"/admin/act?{urlencode(kept)}"
        return _here(visit.call, self.root).partition("?")[0]

    def _with_next(self, where: str, path: str) -> str:
        return f"{self.root}{where}?next={quote(self.root + path, safe='')}"


def _here(call: Call, root: str) -> str:
    path = call.scope["path"].removeprefix(root)
    query = call.scope.get("query_string", b"").decode("latin-1")[:1000]
    return f"{path}?{query}" if query else path


def _query(call: Call) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            call.scope.get("query_string", b"").decode("ascii"), max_num_fields=16, errors="strict", encoding="utf-8"
        )
    except ValueError:
        raise InvalidRequest("the query does not parse", public="The address of the page is malformed.") from None
    if len(dict(pairs)) != len(pairs):
        raise InvalidRequest("a word came twice", public="The address of the page is malformed.")
    return dict(pairs)
