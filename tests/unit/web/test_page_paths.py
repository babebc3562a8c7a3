"""Where `next` may lead: to paths of the own origin, and nowhere else."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest

from tallystick.web.pages.paths import NEXT_MAX, own_path

HOSTILE = [
    "https://evil.example", "http://evil.example/account", "//evil.example", "///evil.example", "////evil.example",
    "\\\\evil.example", "/\\evil.example", "\\/evil.example", "/\\/evil.example", "/\t/evil.example", "/\n/evil.example",
    "/\r\nLocation: https://evil.example", "\t//evil.example", " //evil.example", "/ /evil.example", "https:evil.example",
    "https:/evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "evil.example",
    "account", "", "?next=x", "#x", "@evil.example", "//user@evil.example", "/.//evil.example", "/x/..//evil.example",
    "/./../evil", "/a//b", "//localhost:8000@evil.example", "//evil.example\\@localhost", "/\u2028/evil", "/\u3002evil",
    "/\uff0fevil.example", "/é", "/\x00", "/\x7f", "//[::1]", "http:///evil.example", "///\\;@evil.example",
    "//%65vil.example", "/" + "x" * NEXT_MAX, "https://localhost:8000/account",
]  # fmt: skip
HARMLESS = [
    "/", "/account", "/account/password?x=1#y", "/a/b/c", "/%2f%2fevil.example", "/x?u=https://evil.example",
    "/x?u=//evil.example", "/:@!$&'()*+,;=", "/.well-known/x", "/a.b/..c",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_another_origin_is_no_path_of_ours(text: str) -> None:
    """Whatever a browser could read as another place is not followed."""
    assert own_path(text) is None


def test_nothing_is_nowhere() -> None:
    """Without `next` there is nowhere to go on to."""
    assert own_path(None) is None


@pytest.mark.parametrize("text", HARMLESS)
@pytest.mark.parametrize("base", ["https://notes.example/auth/sign-in", "http://localhost:8000/"])
def test_a_path_of_our_own_is_followed_and_stays_here(text: str, base: str) -> None:
    """A path with its query comes back as it was, and leads to the same origin."""
    assert own_path(text) == text
    there, here = urlsplit(urljoin(base, text)), urlsplit(base)
    assert (there.scheme, there.netloc) == (here.scheme, here.netloc)
