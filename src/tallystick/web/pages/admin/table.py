"""The routes of `/admin`, complete on one screen."""

from __future__ import annotations

from tallystick.authority.authority import Authority
from tallystick.web.call import Call, Handler, Reply
from tallystick.web.pages.admin.acts import Acting
from tallystick.web.pages.admin.counter import Counter
from tallystick.web.pages.admin.rendering import style
from tallystick.web.pages.admin.showing import Showing
from tallystick.web.presenting import Desk

STYLE_PATH = "/admin/style.css"


def admin_table(authority: Authority, desk: Desk) -> dict[str, dict[str, Handler]]:
    """Gives path → method → handler.

    Args:
        authority: whose.
        desk: of that authority.
    """
    counter = Counter(authority, desk)
    showing, acting = Showing(counter), Acting(counter)
    reads, acts = counter.reads, counter.acts
    return {
        "/admin": {"GET": reads(showing.overview)},
        "/admin/accounts": {"GET": reads(showing.accounts), "POST": acts(showing.create_account)},
        "/admin/account": {"GET": reads(showing.account)},
        "/admin/clients": {"GET": reads(showing.clients), "POST": acts(showing.create_client)},
        "/admin/client": {"GET": reads(showing.client)},
        "/admin/sessions": {"GET": reads(showing.sessions)},
        "/admin/endings": {"GET": reads(showing.endings)},
        "/admin/keys": {"GET": reads(showing.keys)},
        "/admin/events": {"GET": reads(showing.events)},
        "/admin/act": {"GET": reads(acting.ask), "POST": acts(acting.do)},
        STYLE_PATH: {"GET": _style},
    }


async def _style(call: Call) -> Reply:
    fields = ((b"content-type", b"text/css; charset=utf-8"), (b"cache-control", b"max-age=3600"))
    return Reply(200, fields, style())
