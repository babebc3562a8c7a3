"""The routes of `/admin`, complete on one screen."""

from __future__ import annotations

from tallystick.authority.authority import Authority
from tallystick.web.call import Handler
from tallystick.web.pages.admin.acts import Acting
from tallystick.web.pages.admin.counter import Counter
from tallystick.web.pages.admin.showing import Showing
from tallystick.web.pages.shell import Pages


def admin_table(authority: Authority, pages: Pages) -> dict[str, dict[str, Handler]]:
    """Gives path → method → handler.

    Args:
        authority: whose.
        pages: the frame of every page.
    """
    counter = Counter(authority, pages)
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
    }
