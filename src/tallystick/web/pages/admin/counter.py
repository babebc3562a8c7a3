"""Who may come in: an administrator with a cookie, and for every act one who has just proved who they are."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tallystick.authority.acting import acting_as
from tallystick.authority.authority import Authority
from tallystick.core.credentials.cookie import csrf_token_of
from tallystick.core.session.decision import Event
from tallystick.errors import (
    AuthenticationTooOld,
    CrossSite,
    InsufficientScope,
    InvalidRequest,
    TallystickError,
)
from tallystick.http import check_fresh, response_of
from tallystick.identity.account import ADMIN_PERMISSION
from tallystick.web.bodies import FORM, Body
from tallystick.web.call import Call, Handler, Reply
from tallystick.web.pages.forms import CSRF_FIELD
from tallystick.web.pages.shell import Pages, Visitor

BECAUSE_MAX = 500


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of an administrator.

    Args:
        call: the request.
        visitor: the administrator, with their session.
        query: what the URL asks, each name once.
        body: the form; empty for a page that is only read.
    """

    call: Call
    visitor: Visitor
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
        pages: the frame of every page.
    """

    def __init__(self, authority: Authority, pages: Pages) -> None:
        self.authority = authority
        self.pages = pages
        self.root = pages.base

    def page(self, visit: Visit, template: str, title: str, **told: Any) -> Reply:
        """Renders a page of administrators.

        Args:
            visit: the request.
            template: its name, without folder and `.html`.
            title: its heading.
            told: what else it says; every text is escaped.
        """
        given = {"root": self.root, "issuer": self.authority.issuer, "done": "", "title": title} | told
        return self.pages.page(visit.call, f"admin/{template}.html", visitor=visit.visitor, **given)

    def go(self, path: str) -> Reply:
        """Sends the browser to another page of ours."""
        return self.pages.go(self.root + path)

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
        visitor: Visitor | None = None
        try:
            visitor = await self._administrator(call)
            if visitor is None:
                return self.pages.go(
                    self.pages.url("/sign-in", to=self.root + ("/admin" if acts else self._here(call)))
                )
            return await self._let_in(call, visitor, then, acts=acts)
        except TallystickError as error:
            answer = response_of(error)
            if answer.status >= 500:
                raise
            told: dict[str, Any] = {"message": error.public, "code": error.code, "root": self.root, "done": ""}
            title = "That cannot be done"
            seen = visitor if visitor is not None and visitor.is_admin else None
            return self.pages.page(call, "admin/refused.html", status=answer.status, visitor=seen, title=title, **told)

    async def _administrator(self, call: Call) -> Visitor | None:
        if b"authorization" in call.fields:
            raise InsufficientScope("a page is for a browser", scope=ADMIN_PERMISSION)
        visitor = await self.pages.visitor(call)
        if visitor is not None and not visitor.is_admin:
            event = Event("access.denied", visitor.view.id, (("path", call.scope["path"][:100]),))
            self.authority.world.events.tell((event,), principal=visitor.account.id)
            raise InsufficientScope("no administrator", scope=ADMIN_PERMISSION)
        return visitor

    async def _let_in(self, call: Call, visitor: Visitor, then: Show, *, acts: bool) -> Reply:
        if not acts:
            return await then(Visit(call, visitor, _query(call), Body(FORM, {})))
        body = self.pages.forms.read(call)
        right = csrf_token_of(visitor.cookie)
        # A page of a trusted origin may act for whoever is signed in, but not administer: only our own form may.
        if not hmac.compare_digest((body.find_text(CSRF_FIELD) or "").encode(), right.encode()):
            raise CrossSite("the form is not one of our own page")
        visit = Visit(call, visitor, _query(call), body)
        try:
            check_fresh(visitor.view, self.authority.world.clock.now(), self.authority.policy.fresh_lifetime)
        except AuthenticationTooOld:
            return self.pages.go(self.pages.url("/step-up", to=self.root + self._form_of(visit)))
        with acting_as(actor=str(visitor.account.id), because=visit.told("because")[:BECAUSE_MAX]):
            return await then(visit)

    def _form_of(self, visit: Visit) -> str:
        # Where the form of the act stands, so that it can be looked at and confirmed again.
        kept = {name: visit.told(name) for name in ("what", "id") if visit.told(name)}
        if "what" in kept:
            return f"/admin/act?{urlencode(kept)}"
        return self._here(visit.call).partition("?")[0]

    def _here(self, call: Call) -> str:
        path = str(call.scope["path"]).removeprefix(self.root)
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
