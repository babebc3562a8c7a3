"""The paths of the pages, complete on one screen."""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.web.bodies import FORM
from tallystick.web.call import Call, Handler, Reply
from tallystick.web.pages.account.factors import FactorPages
from tallystick.web.pages.account.view import AccountPages
from tallystick.web.pages.admin.table import admin_table
from tallystick.web.pages.shell import Pages
from tallystick.web.pages.sign_in.step_up import StepUpPage
from tallystick.web.pages.sign_in.view import SignIn
from tallystick.web.pages.sign_up.links import LinkPages
from tallystick.web.pages.sign_up.view import SignUpPage

CHANGE_PASSWORD_PATH = "/.well-known/change-password"


def with_pages(endpoints: Mapping[str, dict[str, Handler]], pages: Pages) -> dict[str, dict[str, Handler]]:
    """Gives a table of endpoints with the pages; where both take a POST, the page takes what is a form.

    Args:
        endpoints: path → method → handler, for programs.
        pages: the frame of the pages.
    """
    table = dict(endpoints)
    for path, methods in page_table(pages).items():
        there = table.get(path, {})
        both = {name: _either(methods[name], there[name]) for name in methods.keys() & there.keys()}
        table[path] = there | methods | both
    return table


def page_table(pages: Pages) -> dict[str, dict[str, Handler]]:
    """Gives path → method → handler of the pages and what they name."""
    authority = pages.authority
    sign_in, step_up, sign_up = SignIn(authority, pages), StepUpPage(authority, pages), SignUpPage(authority, pages)
    account, factors = AccountPages(authority, pages), FactorPages(authority, pages)
    links = LinkPages(authority, pages)
    shown, sent, mailed = pages.shown, pages.sent, links.offered
    return {
        "/": {"GET": sign_in.start},
        "/sign-in": {"GET": sign_in.show, "POST": sign_in.send},
        "/sign-out": {"GET": sign_in.show_sign_out, "POST": sign_in.sign_out},
        "/step-up": {"GET": shown(step_up.show), "POST": sent(step_up.send, "/account")},
        "/sign-up": {"GET": sign_up.show, "POST": sign_up.send},
        "/verify": {"GET": mailed(links.show_verify), "POST": mailed(links.verify)},
        "/forgot": {"GET": mailed(links.show_forgot), "POST": mailed(links.forgot)},
        "/reset": {"GET": mailed(links.show_reset), "POST": mailed(links.reset)},
        "/account": {"GET": shown(account.show)},
        "/account/sessions/end": {"POST": sent(account.end, "/account")},
        "/account/sessions/end-others": {"POST": sent(account.end_others, "/account")},
        "/account/sessions/end-all": {"POST": sent(account.end_all, "/account")},
        "/account/password": {
            "GET": shown(account.show_password),
            "POST": sent(account.change_password, "/account/password"),
        },
        "/account/totp": {"GET": shown(factors.show_totp), "POST": sent(factors.confirm_totp, "/account/totp")},
        "/account/totp/begin": {"POST": sent(factors.begin_totp, "/account/totp")},
        "/account/totp/remove": {"POST": sent(factors.remove_totp, "/account/totp")},
        "/account/recovery-codes": {
            "GET": shown(factors.show_recovery_codes),
            "POST": sent(factors.renew_recovery_codes, "/account/recovery-codes"),
        },
        "/account/passkeys": {"POST": sent(factors.confirm_passkey, "/account/passkeys/new")},
        "/account/passkeys/new": {"GET": shown(factors.show_new_passkey)},
        "/account/passkeys/begin": {"POST": factors.begin_passkey},
        "/account/passkeys/remove": {
            "GET": shown(factors.show_remove_passkey),
            "POST": sent(factors.remove_passkey, "/account"),
        },
        CHANGE_PASSWORD_PATH: {"GET": _redirect(pages, "/account/password")},
        **admin_table(authority, pages),
        **pages.assets.table,
    }


def _either(form: Handler, other: Handler) -> Handler:
    """Gives a handler that lets the page take a form, and the endpoint of programs everything else."""

    async def handle(call: Call) -> Reply:
        media_type = call.fields.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip(" \t").lower()
        return await (form if media_type == FORM else other)(call)

    return handle


def _redirect(pages: Pages, path: str) -> Handler:
    # W3C "A well-known URL for changing passwords": a redirect by 302, 303 or 307.
    async def handle(call: Call) -> Reply:
        return pages.go(pages.url(path))

    return handle
