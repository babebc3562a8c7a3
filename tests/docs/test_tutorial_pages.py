"""The tutorial app in a browser: sign up, sign in by the pages, land on the page that was wanted, sign out."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import pytest

from tests.docs.test_tutorials import SERVERS, TUTORIALS, of, served
from tests.support.processes import EMAIL, PASSWORD, free_port

pytestmark = pytest.mark.process
(PAGE,) = [page for page in TUTORIALS if page.stem == "protect-an-app"]


class Forms(HTMLParser):
    """The forms and links of a page.

    Args:
        page: its HTML.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps the actions of forms, their fields, and where links lead."""
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((said.get("action", ""), {}))
        elif tag in ("input", "button") and said.get("name") and self.forms:
            self.forms[-1][1][said["name"]] = said.get("value", "")
        elif tag == "a":
            self.links.append(said.get("href", ""))


class Person:
    """A person with a browser without JavaScript."""

    def __init__(self) -> None:
        self._opener: OpenerDirector = build_opener(HTTPCookieProcessor(CookieJar()))
        self.url = ""
        self.page = ""

    def open(self, url: str, data: dict[str, str] | None = None) -> None:
        """Opens a page, or sends a form, and follows where it leads."""
        headers = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"}
        body = None if data is None else urlencode(data).encode()
        try:
            with self._opener.open(Request(urljoin(self.url, url), body, headers), timeout=20) as answer:
                self.url, self.page = answer.url, answer.read().decode()
        except HTTPError as error:
            self.url, self.page = error.url or "", error.read().decode()
            error.close()

    def send(self, action: str, **values: str) -> None:
        """Fills the form that goes to a path in, and sends it."""
        target, fields = next(
            form for form in Forms(self.page).forms if action in urljoin(self.url, form[0] or self.url)
        )
        self.open(target or self.url, {**fields, **values})


def test_a_person_signs_up_and_in_and_comes_back(tmp_path: Path) -> None:
    """Who opens the app is led to sign in, finds the way to sign up, signs in, and is where they wanted to be."""
    port = free_port()
    found = of(PAGE)
    (app,) = [block.text for block in found if block.language == "python"]
    (tmp_path / "notes.py").write_text(app.replace("localhost:8000", f"localhost:{port}"))
    (server,) = [SERVERS[block.text] for block in found if block.text in SERVERS]
    person = Person()
    with served(tmp_path, server, port):
        person.open(f"http://localhost:{port}/?page=2")
        assert "/auth/sign-in?next=" in person.url
        person.open(next(link for link in Forms(person.page).links if "sign-up" in link))
        person.send("/auth/sign-up", email=EMAIL, password=PASSWORD)
        if "/auth/sign-in" in person.url or "sign-in" in "".join(Forms(person.page).links):
            person.open(f"http://localhost:{port}/?page=2")
        if "/auth/sign-in" in person.url:
            person.send("/auth/sign-in", email=EMAIL, password=PASSWORD)
        assert person.url == f"http://localhost:{port}/?page=2", person.page
        assert f"Notes of {EMAIL}" in person.page
        (account,) = re.findall(r"href='(/auth/account)'", person.page)
        person.open(account)
        assert EMAIL in person.page
        person.open("/auth/sign-out")
        person.send("/auth/sign-out")
        person.open(f"http://localhost:{port}/")
        assert "/auth/sign-in?next=" in person.url
