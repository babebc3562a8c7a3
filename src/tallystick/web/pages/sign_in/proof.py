"""The page of one proof more, in a sign-in and in a step-up. What it needs to be shown again travels in its own form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tallystick.authority.issued import Pending
from tallystick.errors import AuthenticationFailed, TallystickError
from tallystick.web.bodies import Body
from tallystick.web.call import Call, Reply
from tallystick.web.pages.problems import Problem, problem_of
from tallystick.web.pages.shell import Pages, Visitor

METHODS = ("passkey", "totp", "recovery_code")
_WRONG = {
    "code": "That code is not right, or was used already. Wait for the next one.",
    "recovery_code": "That is no recovery code of yours, or it was used already.",
    "passkey": "That passkey did not work. Begin again, or use another way.",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A proof that is asked for.

    Args:
        handle: what the proof carries.
        methods: the ways to prove.
        options: for a passkey, as JSON; empty for none.
    """

    handle: str
    methods: tuple[str, ...]
    options: str

    def __repr__(self) -> str:
        return f"Asked({self.methods})"


class ProofPage:
    """The page.

    Args:
        pages: its frame.
        action: the path that takes the proof.
        heading: of the page.
        lead: the sentence beneath.
    """

    def __init__(self, pages: Pages, action: str, heading: str, lead: str) -> None:
        self._pages = pages
        self._told = {"action": action, "heading": heading, "lead": lead}

    @staticmethod
    def first(pending: Pending) -> Asked:
        """Gives what a pending sign-in asks for."""
        return asked(pending.handle.reveal(), pending.methods, pending.passkey_options)

    @staticmethod
    def read(body: Body) -> Asked:
        """Gives what a form that came back was asked for; nothing of it is believed but by the authority."""
        named = (body.find_text("methods") or "").split(" ")
        known = tuple(method for method in METHODS if method in named)
        return Asked(body.text("pending"), known, body.find_text("passkey_options") or "")

    @staticmethod
    def problem(error: TallystickError, body: Body) -> Problem:
        """Gives what is wrong with a proof, at the field that it came in."""
        field = next((name for name in _WRONG if body.find_text(name) is not None), "code")
        return problem_of(error, field, _WRONG[field] if isinstance(error, AuthenticationFailed) else None)

    def show(
        self,
        call: Call,
        wanted: Asked,
        to: str | None,
        problem: Problem | None = None,
        visitor: Visitor | None = None,
    ) -> Reply:
        """Renders it."""
        return self._pages.form(
            call,
            "sign_in/proof.html",
            problem,
            visitor=visitor,
            pending=wanted.handle,
            methods=list(wanted.methods),
            passkey_options=wanted.options,
            next=to,
            **self._told,
        )


def asked(handle: str, methods: tuple[str, ...], options: Mapping[str, Any] | None) -> Asked:
    """Gives a proof to ask for, with its ways in the order of the page."""
    known = tuple(method for method in METHODS if method in methods)
    return Asked(handle, known, json.dumps(options) if options is not None else "")
