"""What is wrong with a form: which field, in which words, and as which status."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.errors import TallystickError, Throttled
from tallystick.http import response_of
from tallystick.web.call import Fields
from tallystick.web.pages.moments import amount


@dataclass(frozen=True, slots=True)
class Problem:
    """What a form says when it is shown again.

    Args:
        text: in plain words.
        field: the name of the field to look at first; empty for none.
        status: the status code of the answer.
        fields: header fields of the answer.
    """

    text: str
    field: str = ""
    status: int = 422
    fields: Fields = ()


def problem_of(error: TallystickError, field: str, text: str | None = None) -> Problem:
    """Gives the problem that an error of a call is, for a person.

    Args:
        error: what was raised.
        field: the name of the field to look at first.
        text: what to say; the error's own public words if None.
    """
    answer = response_of(error)
    fields = tuple(
        (name.lower().encode(), value.encode()) for name, value in answer.headers.items() if name != "Cache-Control"
    )
    if isinstance(error, Throttled):
        text = f"Too many attempts. Wait {amount(int(answer.headers['Retry-After']))}, then try again."
    return Problem(text or error.public, field, answer.status, fields)
