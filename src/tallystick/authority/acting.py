"""Who acts, from where, in which request and why: known at the edge, wanted where an act is recorded.

Theory of operation. A use case knows what happens to whom; only the edge knows who asked. Handing four words through
every call would put them into every signature, so they travel beside the calls, in a context variable: each request and
each task has its own, and what is set inside of a block is gone after it. No rule ever reads them: they decide nothing,
and a record without them is still true.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

WORD_MAX = 200
BECAUSE_MAX = 500


@dataclass(frozen=True, slots=True)
class Acting:
    """What is known of whoever acts.

    Args:
        actor: who, where it is somebody else than the principal that the act is about: the id of an administrator, or
            `operator:` and the name of the operating system's user; empty if nobody said.
        network: the address that the request came from; empty outside of a request.
        request: the id of the request, as the log and `X-Request-Id` have it.
        because: why, in the words of whoever asked.
    """

    actor: str = ""
    network: str = ""
    request: str = ""
    because: str = ""


NOBODY = Acting()
_acting: ContextVar[Acting] = ContextVar("tallystick-acting", default=NOBODY)


def acting() -> Acting:
    """Gives what is known of whoever acts now."""
    return _acting.get()


@contextmanager
def acting_as(
    *, actor: str | None = None, network: str | None = None, request: str | None = None, because: str | None = None
) -> Iterator[Acting]:
    """Says who acts as long as the block lasts; what is not given stays as it was.

    Args:
        actor: who; cut to 200 characters, like network and request.
        network: from which address.
        request: in which request.
        because: why; cut to 500 characters.
    """
    given = {"actor": actor, "network": network, "request": request}
    words = {name: word[:WORD_MAX] for name, word in given.items() if word is not None}
    if because is not None:
        words["because"] = because[:BECAUSE_MAX]
    token = _acting.set(replace(_acting.get(), **words))
    try:
        yield _acting.get()
    finally:
        _acting.reset(token)
