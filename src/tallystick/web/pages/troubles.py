"""Errors as pages, for people: what happened, what to do, and nothing of what went on inside."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from starlette.types import Scope

from tallystick.web.call import JSON_NO_STORE, Call, Reply
from tallystick.web.pages.headers import wants_page
from tallystick.web.pages.moments import amount
from tallystick.web.pages.shell import Pages

WORDS: Mapping[int, tuple[str, str]] = {
    400: ("That did not work", "The request could not be understood. Go back and try it again."),
    401: ("Please sign in", "You have to sign in to see this."),
    403: ("Not allowed", "This is not yours to see or to do, or the request came from another site."),
    404: ("Nothing here", "There is no page at this address. Perhaps the link is old or was cut short."),
    405: ("That did not work", "This address cannot be used in this way. Begin again from the start page."),
    408: ("That took too long", "Your request did not arrive in time. Check your connection and try again."),
    409: ("That did not work", "Something else changed it at the same time. Go back and try it again."),
    413: ("Too much at once", "What was sent is larger than anything this page needs."),
    415: ("That did not work", "The request was of a kind that is not read here."),
    421: ("Another address", "This server does not answer under the name that was asked for."),
    422: ("That did not work", "Something in the form is not right. Go back and look at it again."),
    429: ("Too many attempts", "This was tried too often. Nothing is wrong with your account."),
    500: ("Something broke", "The mistake is ours, and it has been noted. Try again in a moment."),
    503: ("One moment", "The service cannot answer just now. Nothing was lost; try again shortly."),
}


_log = logging.getLogger("tallystick.web")


class Troubles:
    """The pages of errors.

    Args:
        pages: their frame.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def page(self, scope: Scope, reply: Reply) -> Reply:
        """Gives an answer back, as a page if it tells an error and a person's browser asked.

        Args:
            scope: of the request.
            reply: what programs are told; its fields are kept, such as `Retry-After`.
        """
        given = dict(scope["headers"])
        if reply.status < 400 or reply.fields[:1] != JSON_NO_STORE[:1] or not wants_page(given):
            return reply
        try:
            return self._render(Call({**scope, "query_string": b""}, given, set(), b""), reply)
        except Exception:  # noqa: BLE001  (a page of an error must not become another error)
            _log.warning("the page of an error cannot be shown", exc_info=True)
            return reply

    def _render(self, call: Call, reply: Reply) -> Reply:
        title, text = WORDS.get(reply.status, WORDS[500])
        wait = dict(reply.fields).get(b"retry-after")
        return self._pages.page(
            call,
            "error.html",
            status=reply.status,
            more=tuple(one for one in reply.fields if one not in JSON_NO_STORE),
            title=title,
            text=text,
            code=reply.status,
            wait=amount(int(wait)) if wait is not None and reply.status == 429 else None,
        )
