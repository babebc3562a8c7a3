"""One page of metrics for all workers, whichever answers, whatever becomes of them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import EMAIL, PASSWORD, Browser, Server, create_account, create_client
from tests.support.scraping import Page, counters, fetch, parsed, scrape, total

pytestmark = pytest.mark.process
SIGN_INS = 6


def workers_of(server: Server) -> list[int]:
    """Gives the ids of the processes that serve: those that wrote into the run folder and live."""
    folder = server.folder / ".tallystick" / "tallystick.db.run"
    return sorted(int(path.stem.split("-")[0]) for path in folder.glob("*.lock"))


def eventually(look: Callable[[], bool], within_s: float = 20) -> None:
    """Waits until something holds."""
    deadline = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.1)


def both_serve(server: Server) -> bool:
    """Tells whether both workers are on the page, and both of their verifiers."""
    page = scrape(server.port)
    names = ("tallystick_workers", "tallystick_verifiers")
    return all(total(page, name, state="answering") == 2 for name in names)


def answered_by_each(server: Server, ask: Callable[[], Page], times: int = 12) -> list[Page]:
    """Reads the page on several connections, so that every worker answers some."""
    return [ask() for _ in range(times)]


def test_every_worker_answers_for_all_of_them(tmp_path: Path) -> None:
    """Right after some sign-ins, every reading of the page knows of all of them, whichever worker took them."""
    with Server(tmp_path, "--workers", "2") as server:
        create_account(tmp_path)
        eventually(lambda: both_serve(server))
        for _ in range(SIGN_INS):
            assert Browser(server.port).sign_in().status == 200
        assert Browser(server.port).sign_in(password="wrong").status == 401
        pages = answered_by_each(server, lambda: scrape(server.port))
        for page in pages:
            assert total(page, "tallystick_authentications_total", method="password") == SIGN_INS
            assert total(page, "tallystick_authentication_failures_total", method="password", reason="wrong") == 1
            assert total(page, "tallystick_sessions_opened_total", holder="browser") == SIGN_INS
            assert total(page, "tallystick_session_creation_seconds_count", holder="browser") == SIGN_INS
            assert total(page, "tallystick_workers", state="answering") == 2
            assert total(page, "tallystick_verifiers", state="answering") == 2
            assert total(page, "tallystick_lease_held") == 2
        text = fetch(server.port)[1]
        assert EMAIL not in text
        assert PASSWORD not in text
        checked = subprocess.run(
            ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=30, check=False
        )
        assert (checked.returncode, checked.stderr) == (0, ""), checked.stderr


def test_a_killed_worker_takes_no_count_with_it(tmp_path: Path) -> None:
    """Killed and replaced, a worker's counts stay on the page: no counter goes backwards at any reading."""
    with Server(tmp_path, "--workers", "2") as server:
        create_account(tmp_path)
        eventually(lambda: both_serve(server))
        for _ in range(SIGN_INS):
            assert Browser(server.port).sign_in().status == 200
        time.sleep(5.1)  # a worker that dies sooner ends the server
        before = scrape(server.port)
        assert total(before, "tallystick_sessions_opened_total") == SIGN_INS
        for pid in workers_of(server):
            os.kill(pid, signal.SIGKILL)
            eventually(lambda: Browser(server.port).ask("GET", "/readyz", timeout_s=2).status == 200)
            after = scrape(server.port)
            backwards = {key for key, value in counters(before).items() if counters(after).get(key, 0) < value}
            assert backwards == set()
            eventually(lambda: total(scrape(server.port), "tallystick_workers", state="answering") == 2)
            time.sleep(5.1)
            before = scrape(server.port)
        assert total(before, "tallystick_sessions_opened_total") == SIGN_INS
        assert total(before, "tallystick_workers_died_total") == 2


def test_a_stopped_worker_is_shown_and_the_page_still_comes(tmp_path: Path) -> None:
    """A worker that is stopped keeps nobody waiting: the page comes at once, with its last counts, and says so."""
    with Server(tmp_path, "--workers", "2") as server:
        create_account(tmp_path)
        eventually(lambda: both_serve(server))
        for _ in range(SIGN_INS):
            assert Browser(server.port).sign_in().status == 200
        before = scrape(server.port)
        stopped = workers_of(server)[0]
        os.kill(stopped, signal.SIGSTOP)
        try:
            pages = []
            deadline = time.monotonic() + 15
            while len(pages) < 2 and time.monotonic() < deadline:
                # The kernel may hand a connection to the stopped one, which then waits with it.
                try:
                    pages.append(parsed(fetch(server.port)[1]))
                except TimeoutError:
                    continue
            shown = pages[-1]
            assert total(shown, "tallystick_workers", state="silent") == 1
            assert total(shown, "tallystick_verifiers", state="silent") == 1
            assert total(shown, "tallystick_sessions_opened_total") == SIGN_INS
            assert {key for key, value in counters(before).items() if counters(shown).get(key, 0) < value} == set()
        finally:
            os.kill(stopped, signal.SIGCONT)
        eventually(lambda: total(scrape(server.port), "tallystick_workers", state="silent") == 0)
        eventually(lambda: total(scrape(server.port), "tallystick_verifiers", state="answering") == 2)


def test_counts_outlive_a_restart_and_a_kill_of_everything(tmp_path: Path) -> None:
    """Ended in order or killed at once, the server goes on counting from where it was."""
    server = Server(tmp_path, "--workers", "2").start()
    create_account(tmp_path)
    eventually(lambda: both_serve(server))
    assert Browser(server.port).sign_in().status == 200
    assert server.stop() == 0
    server.start()
    eventually(lambda: both_serve(server))
    assert total(scrape(server.port), "tallystick_workers_died_total") == 0
    assert Browser(server.port).sign_in().status == 200
    assert total(scrape(server.port), "tallystick_sessions_opened_total") == 2
    server.kill()
    server.start()
    try:
        eventually(lambda: both_serve(server))
        page = scrape(server.port)
        assert total(page, "tallystick_sessions_opened_total") == 2
        assert total(page, "tallystick_workers_died_total") == 2
        assert len(workers_of(server)) == 2
    finally:
        server.stop()


def test_what_an_app_and_a_service_do_is_counted(tmp_path: Path) -> None:
    """Tokens, refreshes, endings and validations are on the page, by their kinds."""
    with Server(tmp_path) as server:
        create_account(tmp_path)
        app = create_client(tmp_path, "phone", "--kind", "native", "--first-party", "--scope", "notes:read")[
            "client_id"
        ]
        browser = Browser(server.port)
        tokens = browser.sign_in_app(app).body
        for _ in range(2):
            browser.refresh(str(tokens["refresh_token"]), app)
        assert browser.ask("GET", "/session", bearer=str(tokens["access_token"])).status == 200
        assert browser.ask("GET", "/session", bearer=str(tokens["access_token"])).status == 200
        assert browser.ask("GET", "/session", bearer="no.good.token").status == 401
        assert browser.sign_in().status == 200
        assert browser.ask("DELETE", "/session").status == 204
        page = scrape(server.port)
        assert total(page, "tallystick_refreshes_total", outcome="rotated") == 1
        assert total(page, "tallystick_refreshes_total", outcome="repeated") == 1
        assert total(page, "tallystick_token_creation_seconds_count", credential="refresh_token") == 3
        assert total(page, "tallystick_validations_total", credential="access_token", cache="miss") == 1
        assert total(page, "tallystick_validations_total", credential="access_token", cache="hit") == 1
        assert total(page, "tallystick_validation_refusals_total", reason="credential.malformed") == 1
        assert total(page, "tallystick_sessions_ended_total", because="signed out") == 1
        assert total(page, "tallystick_revocations_total", target="session", strength="logged") == 1
        assert total(page, "tallystick_hashing_seconds_count") == 2
        assert total(page, "tallystick_store_seconds_count", operation="commit") > 4
        assert total(page, "tallystick_key_age_seconds", state="active") >= 0
        assert total(page, "tallystick_key_next_step_seconds") > 0
        assert total(page, "tallystick_log_head_position") == 1
