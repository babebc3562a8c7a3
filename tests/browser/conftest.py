"""One server and one browser for each module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.watching import launch
from tests.support.processes import EMAIL, Server, create_account


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in a process of its own, with the account of Ada."""
    folder = tmp_path_factory.mktemp("server")
    with Server(folder) as started:
        create_account(folder, EMAIL)
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The Chromium of the system, for as long as the module lasts: its loop runs in this thread."""
    with sync_playwright() as playwright:
        found = launch(playwright)
        yield found
        found.close()
