"""Whatever is stored or sent back is shown as text: it speaks neither HTML nor headers nor another place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest

from tallystick.authority.enrolling import written_passkey_id
from tallystick.authority.recording import flush_trail
from tallystick.identity.account import ADMIN_PERMISSION
from tallystick.identity.authenticators import Authenticators, Passkey
from tallystick.ports import PutAccount
from tests.integration.asgi import HTTPS, House, Reply, a_house
from tests.support.embedded import EMAIL, PASSWORD

PLAIN = "plain"
CORPUS = [
    "<script>alert(1)</script>", "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>', "'><svg onload=alert(1)>", '" autofocus onfocus="alert(1)', "' onmouseover='alert(1)",
    "` onclick=`alert(1)", "javascript:alert(1)", "</title><script>x</script>", "</textarea><script>x</script>",
    "<!--", "-->", "]]>", "<![CDATA[x]]>", "<base href=https://evil.example>", "<form action=https://evil.example>",
    "<meta http-equiv=refresh content=0;url=https://evil.example>", "<style>*{display:none}</style>", "&lt;b&gt;",
    "&#60;script&#62;", "&amp;", "{{ 7*7 }}", "{% raw %}", "{{ config }}", "${7*7}", "%0d%0aSet-Cookie:%20ts=x",
    "x\r\nSet-Cookie: ts=evil", "x\nLocation: https://evil.example", "x\r\n\r\n<script>alert(1)</script>",
    "\u202eevil\u202c", "\u2028alert(1)", "\x00<b>", "＜script＞", "<scr\x00ipt>", "+ADw-script+AD4-", "é<b>",
    "<a href=//evil.example>", "<iframe srcdoc='<script>x</script>'>", '{"a":"</script>"}', "a" * 120,
]  # fmt: skip
SITE = ("sec-fetch-site", "same-origin")


class Skeleton(HTMLParser):
    """What a page is made of, without its texts and values: tags with the names of their attributes, in order."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(convert_charrefs=True)
        self.bones: list[object] = []
        self.links: list[str] = []
        self.feed(reply.raw.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes a tag, and where it leads."""
        self.bones.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action", "formaction")]

    def handle_endtag(self, tag: str) -> None:
        """Notes the end of a tag."""
        self.bones.append(tag)

    def handle_comment(self, data: str) -> None:
        """Notes a comment; our pages have none."""
        self.bones.append("comment")

    def unknown_decl(self, data: str) -> None:
        """Notes a CDATA section; our pages have none."""
        self.bones.append("declaration")


@contextmanager
def a_house_full_of(folder: Path, text: str) -> Iterator[tuple[House, str, str]]:
    """Gives a house in which every stored field that people or clients choose is a text, an owner's cookie, a passkey's id."""
    with a_house(folder, HTTPS) as house:
        authority = house.authority
        account = house.do(authority.grant(house.do(authority.find_account(EMAIL)).id, ADMIN_PERMISSION))
        signed = house.do(authority.sign_in(EMAIL, PASSWORD, network="192.0.2.1", label="curl/8"))
        house.do(authority.sign_in(EMAIL, PASSWORD, network=text, label=text))
        client, _ = house.do(authority.create_client("notes", kind="native", first_party=True, scopes=["notes:read"]))
        house.do(authority.sign_in_app(EMAIL, PASSWORD, client_id=client.id, network=text, label=text))
        # Past the use cases, which would refuse or tidy some of it: what is shown must not depend on that.
        passkey = Passkey(b"\x01" * 16, b"", 0, text, (), False, 1, 1)
        stored = house.do(authority.find_account(EMAIL))
        assert stored is not None
        assert stored.id == account.id
        changed = replace(stored, email=text, authenticators=Authenticators(passkeys=(passkey,)))
        house.do(authority.world.store.commit((PutAccount(changed),), now=authority.world.clock.now()))
        cookie = f"__Host-Http-ts={signed.cookie.reveal()}"
        yield house, cookie, written_passkey_id(passkey)


def shown(house: House, cookie: str, passkey: str, text: str) -> dict[str, Reply]:
    """Gives every page that shows what is stored, or what was sent."""
    ask = house.ask
    house.do(flush_trail(house.authority.world))
    found = {
        path: ask("GET", path, [SITE], cookie=cookie, query=query)
        for path, query in {
            "/account": f"done={quote(text)}",
            "/account/passkeys/remove": f"id={passkey}",
            "/account/password": "",
            "/sign-out": "",
            "/step-up": f"next={quote(text)}",
            "/admin/accounts": f"q={quote(EMAIL)}",
            "/admin/sessions": f"q={quote(EMAIL)}",
            "/admin/clients": "",
            "/admin/events": "",
            "/sign-in": f"done={quote(text)}&next={quote(text)}",
        }.items()
    }
    form = {"email": text, "password": text, "next": text, "stay": "on"}
    found["sign-in form"] = ask("POST", "/sign-in", [SITE], form=form)
    found["sign-up form"] = ask("POST", "/sign-up", [SITE], form=form)
    found["proof form"] = ask("POST", "/sign-in", [SITE], form={"pending": text, "code": text, "methods": text})
    return found


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reply]:
    """The pages where everything stored is a harmless word."""
    with a_house_full_of(tmp_path_factory.mktemp("plain"), PLAIN) as (house, cookie, passkey):
        return shown(house, cookie, passkey, PLAIN)


@pytest.mark.parametrize("text", CORPUS, ids=ascii)
def test_what_is_stored_is_only_text(usual: dict[str, Reply], tmp_path: Path, text: str) -> None:
    """With markup in every stored and sent field, each page has the same tags, attributes and header fields as without."""
    with a_house_full_of(tmp_path, text) as (house, cookie, passkey):
        for path, reply in shown(house, cookie, passkey, text).items():
            plain = usual[path]
            found, wanted = Skeleton(reply), Skeleton(plain)
            # Rows of the same second have no order, so bones are counted.
            more, less = Counter(found.bones), Counter(wanted.bones)
            if path == "/admin/events":
                # The trail is written and proved now and then, so the number of its rows says nothing.
                more, less = Counter(set(more)), Counter(set(less))
            assert (reply.status, more - less, less - more) == (plain.status, Counter(), Counter()), path
            assert [name for name, _ in reply.fields] == [name for name, _ in plain.fields], path
            assert not any("evil" in link.split("?")[0] for link in found.links), path
            assert all(link.startswith(("/auth", "#", "data:image/svg+xml;base64,")) for link in found.links), path
            assert not any("\r" in value or "\n" in value for _, value in reply.fields), path


def test_the_skeleton_sees_what_gets_through(tmp_path: Path) -> None:
    """A template that does not escape is found by the comparison."""
    with a_house(tmp_path, HTTPS) as house:
        page = house.ask("GET", "/sign-in")
        broken = Reply(page.status, page.fields, page.raw.replace(b"Sign in</h1>", b"<script>x</script></h1>"))
        assert Skeleton(broken).bones != Skeleton(page).bones


@pytest.mark.parametrize("text", CORPUS, ids=ascii)
def test_a_user_agent_and_headers_speak_no_html(tmp_path: Path, text: str) -> None:
    """What a browser says of itself in headers becomes a plain name of a device."""
    with a_house(tmp_path, HTTPS) as house:
        agent = text.encode("latin-1", "replace").decode("latin-1")
        signed = house.ask(
            "POST", "/sign-in", [SITE, ("user-agent", agent)], form={"email": EMAIL, "password": PASSWORD}
        )
        cookie = next(
            value.split(";")[0] for name, value in signed.fields if "ts=tsc_" in value and name == "set-cookie"
        )
        page = house.ask("GET", "/account", [SITE], cookie=cookie)
        assert page.status == 200
        tags = [bone[0] for bone in Skeleton(page).bones if isinstance(bone, tuple)]
        assert tags.count("script") == tags.count("img") - 1 == tags.count("iframe") == tags.count("svg") == 0
