"""A verifier in another process that is killed or stopped shows on the authority's page within two scrapes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.processes import Server
from tests.support.scraping import Page, scrape, total
from tests.support.verifying import VerifierProcess

pytestmark = pytest.mark.process


def silent(page: Page) -> float:
    """Gives how many verifiers named `process` the page calls silent."""
    return total(page, "tallystick_verifiers", verifier="process", state="silent")


def answering(page: Page) -> float:
    """Gives how many verifiers named `process` the page says answer."""
    return total(page, "tallystick_verifiers", verifier="process", state="answering")


def follower(server: Server) -> VerifierProcess:
    """Gives a verifier in a process of its own that follows a server's log."""
    url = f"sqlite:///{server.folder / '.tallystick' / 'tallystick.db'}"
    return VerifierProcess(url, server.issuer, server.issuer)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_verifier_shows_within_two_scrapes(tmp_path: Path, workers: str) -> None:
    """Killed (SIGKILL), a verifier is silent on the second reading of the page at the latest; the others answer."""
    with Server(tmp_path, "--workers", workers) as server, follower(server) as fallen, follower(server) as other:
        deadline = time.monotonic() + 20
        while total(page := scrape(server.port), "tallystick_verifiers", verifier="authority") < int(workers):
            assert time.monotonic() < deadline, "not every worker serves"
        assert answering(page) == 2
        fallen.kill()
        pages = [scrape(server.port) for _ in range(2)]
        assert (silent(pages[1]), answering(pages[1])) == (1, 1)
        assert total(pages[1], "tallystick_verifiers", verifier="authority", state="answering") == int(workers)
        assert total(pages[1], "tallystick_verifier_silent_seconds") > 1
        assert other.verdict("no.good.token") == "credential.malformed"


def test_a_stopped_verifier_shows_within_two_scrapes_and_comes_back(tmp_path: Path) -> None:
    """Stopped (SIGSTOP), a verifier is silent on the second reading; let go on, it answers again."""
    with Server(tmp_path) as server, follower(server) as verifier:
        assert answering(scrape(server.port)) == 1
        verifier.freeze()
        pages = [scrape(server.port) for _ in range(2)]
        assert (silent(pages[1]), answering(pages[1])) == (1, 0)
        verifier.thaw()
        deadline = time.monotonic() + 15
        while (page := scrape(server.port)) and not answering(page):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert silent(page) == 0
        assert total(page, "tallystick_verifiers_lost_total") == 0


def test_a_verifier_that_leaves_in_order_is_not_missed(tmp_path: Path) -> None:
    """One that ends as it should is gone from the page, and nothing calls it silent or lost."""
    with Server(tmp_path) as server:
        with follower(server):
            assert answering(scrape(server.port)) == 1
        page = scrape(server.port)
        assert (silent(page), answering(page)) == (0, 0)
        assert total(page, "tallystick_verifiers_lost_total") == 0


def test_being_asked_takes_nobodys_lease(tmp_path: Path) -> None:
    """However often the page is read, verifiers go on accepting: asking them is no doubt about what they hold."""
    with Server(tmp_path) as server, follower(server) as verifier:
        before = scrape(server.port)
        for _ in range(12):
            assert verifier.verdict("no.good.token") == "credential.malformed"
            page = scrape(server.port)
        assert total(page, "tallystick_lease_lapses_total") == total(before, "tallystick_lease_lapses_total")
        assert silent(page) == 0
