"""What every page shares: its frame, its header fields, who looks at it, and what is said when something goes wrong.

An area is a class with handlers. `shown` makes a handler of one that shows something to whoever is signed in, `sent` of
one that takes a form of theirs; `page` renders a template, `go` sends the browser on after a form (303).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from tallystick.authority.authority import Authority
from tallystick.authority.issued import SignedIn
from tallystick.core.credentials.view import SessionView
from tallystick.errors import (
    AuthenticationTooOld,
    CredentialExpired,
    CredentialMalformed,
    CredentialMissing,
    Misconfigured,
    SessionEnded,
)
from tallystick.http import set_cookie
from tallystick.identity.account import ADMIN_PERMISSION, Account
from tallystick.web.bodies import Body
from tallystick.web.call import NO_STORE, Call, Fields, Handler, Reply
from tallystick.web.endpoints.session import CLEAR_SITE_DATA
from tallystick.web.pages import assets, device, moments
from tallystick.web.pages.forms import FormGuard
from tallystick.web.pages.headers import PAGE_HEADERS
from tallystick.web.pages.notices import NOTICES
from tallystick.web.pages.paths import own_path
from tallystick.web.pages.problems import Problem
from tallystick.web.presenting import Desk

FOLDER = Path(__file__).parent
NOBODY = (CredentialMissing, CredentialMalformed, CredentialExpired, SessionEnded)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever looks at a page and is signed in.

    Args:
        cookie: the session cookie.
        view: the session behind it.
        account: whose it is.
    """

    cookie: str
    view: SessionView
    account: Account

    @property
    def is_admin(self) -> bool:
        """Whether the pages of administrators are for them."""
        return ADMIN_PERMISSION in self.view.scopes

    def __repr__(self) -> str:
        return f"Visitor({self.account.id!s})"


Shown = Callable[[Call, Visitor], Awaitable[Reply]]
Sent = Callable[[Call, Visitor, Body], Awaitable[Reply]]


class Pages:
    """The frame of every page.

    Args:
        authority: whose.
        desk: of that authority.
        templates: a folder whose templates and assets come before our own of the same name; None for none.

    Raises:
        Misconfigured: there is no such folder.
    """

    def __init__(self, authority: Authority, desk: Desk, templates: Path | None = None) -> None:
        self.authority = authority
        self.desk = desk
        self.base = urlsplit(authority.issuer).path
        self.forms = FormGuard(desk)
        self.place_of: Callable[[str], str] = authority.world.place_of
        """Network → where that is, in words; the network itself unless somebody knows better."""
        if templates is not None and not templates.is_dir():
            raise Misconfigured(f"templates: {templates} is no folder")
        own = [templates] if templates is not None else []
        self.assets = assets.Assets(self.base, (*own, assets.FOLDER))
        self._templates = environment(own)
        self._templates.globals |= {
            "base": self.base,
            "asset": self.assets.urls,
            "site": urlsplit(authority.issuer).hostname,
            "device_name": device.device_name,
            "iso": moments.iso,
            "day": moments.day,
        }

    @property
    def password_hint(self) -> str:
        """What a form of a new password says of it."""
        least = self.authority.world.passwords.minimum
        return f"At least {least} characters. A few words that only you would put together are best."

    def page(
        self,
        call: Call,
        template: str,
        *,
        status: int = 200,
        more: Fields = (),
        visitor: Visitor | None = None,
        **told: Any,
    ) -> Reply:
        """Renders a page.

        Args:
            call: the request that it answers.
            template: its name, such as `account/overview.html`.
            status: the status code.
            more: header fields beside those of every page.
            visitor: whoever is signed in; the frame then shows them.
            told: what else the template says; every text is escaped.
        """
        token, fields = self.forms.token(call)
        now = self.authority.world.clock.now()
        content = self._templates.get_template(template).render(
            csrf=token,
            visitor=visitor,
            notice=NOTICES.get(query_of(call).get("done", "")),
            ago=lambda at: moments.ago(at, now),
            **told,
        )
        # A page without a form needs no cookie for one.
        return Reply(status, (*PAGE_HEADERS, *more, *(fields if token in content else ())), content.encode())

    def form(
        self, call: Call, template: str, problem: Problem | None = None, visitor: Visitor | None = None, **told: Any
    ) -> Reply:
        """Renders a page with a form, and what is wrong with what was sent, if anything is.

        Args:
            call: the request that it answers.
            template: its name.
            problem: what is wrong; it also gives status and header fields.
            visitor: as for `page`.
            told: as for `page`.
        """
        status, more = (problem.status, problem.fields) if problem is not None else (200, ())
        return self.page(call, template, status=status, more=more, visitor=visitor, problem=problem, **told)

    def url(self, path: str, *, done: str = "", to: str | None = None) -> str:
        """Gives a path of our own pages, with the notice to show there and the path to go on to."""
        pairs = ([f"done={done}"] if done else []) + ([f"next={quote(to, safe='')}"] if to else [])
        return self.base + path + ("?" + "&".join(pairs) if pairs else "")

    def go(self, location: str, more: Fields = ()) -> Reply:
        """Sends a browser on, after a form too: 303, so that what it does next is a GET (RFC 9110 section 15.4.4).

        Args:
            location: what `url` or `own_path` gave.
            more: header fields.
        """
        return Reply(303, (*NO_STORE, (b"location", location.encode()), *more))

    @staticmethod
    def next_of(given: str | None) -> str | None:
        """Gives where to go on to if it is a path of our own; else None."""
        return own_path(given)

    def set_cookie(self, value: str, max_age: int | None) -> tuple[bytes, bytes]:
        """Gives the header field that sets the session cookie."""
        return b"set-cookie", set_cookie(self.authority.issuer, value, max_age).encode()

    def fields_of(self, done: SignedIn) -> Fields:
        """Gives the header fields that hand a browser what a sign-in or a change gave it."""
        return (*self.desk.device_field(done.device), self.set_cookie(done.cookie.reveal(), done.max_age))

    def gone(self) -> Fields:
        """Gives the header fields that take the session cookie away, and on https what the browser kept of us."""
        secure = self.authority.issuer.startswith("https://")
        return (self.set_cookie("", 0), *((CLEAR_SITE_DATA,) if secure else ()))

    @property
    def mails(self) -> bool:
        """Whether the authority sends mail, so that an address can be proved and a password reset."""
        return self.authority.mails

    async def visitor(self, call: Call) -> Visitor | None:
        """Gives whoever is signed in, or None; raises Unavailable."""
        cookie = self.desk.cookie(call)
        if cookie is None:
            return None
        try:
            view = await self.authority.view_of_cookie(cookie)
        except NOBODY:
            return None
        account = await self.authority.account_of(view)
        return Visitor(cookie, view, account) if account is not None else None

    def shown(self, handler: Shown) -> Handler:
        """Makes the handler of a page for whoever is signed in; others are sent to sign in, and come back."""

        async def handle(call: Call) -> Reply:
            visitor = await self.visitor(call)
            if visitor is None:
                return self.go(self.url("/sign-in", to=_asked(call, self.base)))
            try:
                return await handler(call, visitor)
            except AuthenticationTooOld:
                return self.go(self.url("/step-up", to=_asked(call, self.base)))

        return handle

    def sent(self, handler: Sent, back: str) -> Handler:
        """Makes the handler of a form of whoever is signed in.

        Args:
            handler: takes the form; when it wants a fresh authentication, the browser is sent to step up.
            back: the path of ours to which the browser comes back from signing in or stepping up.
        """

        async def handle(call: Call) -> Reply:
            body = self.forms.read(call)
            visitor = await self.visitor(call)
            if visitor is None:
                return self.go(self.url("/sign-in", to=self.base + back))
            try:
                return await handler(call, visitor, body)
            except AuthenticationTooOld:
                return self.go(self.url("/step-up", to=self.base + back))
            except NOBODY:
                return self.go(self.url("/sign-in", to=self.base + back))

        return handle


def environment(folders: list[Path]) -> Environment:
    """Gives the templates: those of the folders first; `default/NAME` is always our own, so that one can extend it."""
    ours = FileSystemLoader(FOLDER / "templates")
    return Environment(
        loader=ChoiceLoader([*map(FileSystemLoader, folders), ours, PrefixLoader({"default": ours})]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def query_of(call: Call) -> dict[str, str]:
    """Gives the query of a request; of a name that came twice, the first."""
    try:
        pairs = parse_qsl(call.scope.get("query_string", b"").decode("ascii"), errors="strict", max_num_fields=16)
    except ValueError:
        return {}
    return dict(reversed(pairs))


def _asked(call: Call, base: str) -> str | None:
    path = call.scope["path"]
    # A server may or may not leave the path of the mount in it.
    path = path if path.startswith(f"{base}/") else base + path
    query = call.scope.get("query_string", b"").decode("latin-1")
    return own_path(path + (f"?{query}" if query else ""))
