"""Templates of `/admin`, and the reply that carries a page."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from tallystick.web.call import Fields, Reply

HTML: Fields = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


@cache
def _environment() -> Environment:
    # Everything is escaped, and a name that a page forgot to give is an error instead of an empty text.
    return Environment(
        loader=PackageLoader("tallystick.web.pages.admin"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(template: str, words: Mapping[str, object], status: int = 200) -> Reply:
    """Gives a page that nobody may store.

    Args:
        template: the name of its file, without `.html`.
        words: what the template shows.
        status: the status code.
    """
    return Reply(status, HTML, _environment().get_template(f"{template}.html").render(words).encode())


def go_to(where: str) -> Reply:
    """Sends the browser to another page with GET (RFC 9110 section 15.4.4)."""
    return Reply(303, ((b"location", where.encode()), (b"cache-control", b"no-store")))


@cache
def style() -> bytes:
    """Gives the style sheet."""
    return files("tallystick.web.pages.admin").joinpath("admin.css").read_bytes()
