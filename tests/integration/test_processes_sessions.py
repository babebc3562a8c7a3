"""The server as a process, from the first sign-in to the end of everything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.processes import Browser, Server, create_account, create_client, tallystick

pytestmark = pytest.mark.process
ROUNDS = 24


def test_a_cookie_and_its_token_live_and_end_together(tmp_path: Path) -> None:
    """With no configuration at all, a browser signs in, mints a JWT that is good, signs out, and both are refused."""
    with Server(tmp_path) as server:
        create_account(tmp_path)
        ada = Browser(server.port)
        assert ada.sign_in().status == 200
        seen = ada.ask("GET", "/session")
        assert seen.status == 200
        token = str(ada.ask("POST", "/session/access-token").body["access_token"])
        assert ada.ask("GET", "/session", bearer=token).body["session"]["id"] == seen.body["session"]["id"]
        good = tallystick(tmp_path, "verify", "-", "--json", stdin=token)
        assert good.returncode == 0, good.stderr
        assert json.loads(good.stdout)["sid"] == seen.body["session"]["id"]
        stolen = dict(ada.cookies)
        assert ada.ask("DELETE", "/session").status in (200, 204)
        ada.cookies = stolen
        assert ada.ask("GET", "/session").status == 401
        refused = ada.ask("GET", "/session", bearer=token)
        assert (refused.status, refused.body["error"]) == (401, "session.ended")
        done = tallystick(tmp_path, "verify", "-", stdin=token)
        assert done.returncode == 1
        assert done.stderr.startswith("tallystick: session.ended: ")
        assert done.stdout == ""


def test_an_apps_tokens_end_with_a_command(tmp_path: Path) -> None:
    """A first-party app's refresh token and JWT are refused as soon as `session revoke` has returned."""
    with Server(tmp_path) as server:
        create_account(tmp_path)
        client = create_client(tmp_path, "phone", "--kind", "native", "--first-party")["client_id"]
        phone = Browser(server.port)
        first = phone.sign_in_app(client)
        assert first.status == 200
        assert "set-cookie" not in first.headers
        rotated = phone.refresh(str(first.body["refresh_token"]), client)
        assert rotated.status == 200
        token, refresh_token = str(rotated.body["access_token"]), str(rotated.body["refresh_token"])
        session = phone.ask("GET", "/session", bearer=token).body["session"]["id"]
        ended = tallystick(tmp_path, "session", "revoke", session, "--json")
        assert ended.returncode == 0, ended.stderr
        assert phone.ask("GET", "/session", bearer=token).status == 401
        refused = phone.refresh(refresh_token, client)
        assert (refused.status, refused.body["error"]) == (400, "invalid_grant")
        facts = json.loads(ended.stdout)
        assert facts["strength"] == "everywhere"
        assert facts["missing"] == []
        assert tallystick(tmp_path, "verify", token).returncode == 1


def test_every_worker_hears_of_an_ending_before_the_command_returns(tmp_path: Path) -> None:
    """With two workers, a session that another process ended is refused by both at the first request."""
    with Server(tmp_path, "--workers", "2") as server:
        create_account(tmp_path)
        ada, eve = Browser(server.port), Browser(server.port)
        assert ada.sign_in().status == eve.sign_in().status == 200
        token = str(ada.ask("POST", "/session/access-token").body["access_token"])
        for _ in range(ROUNDS):
            assert ada.ask("GET", "/session").status == 200
            assert ada.ask("GET", "/session", bearer=token).status == 200
        session = ada.ask("GET", "/session").body["session"]["id"]
        ended = tallystick(tmp_path, "session", "revoke", session, "--json")
        statuses = {ada.ask("GET", "/session", bearer=bearer).status for bearer in (token, "") * ROUNDS}
        assert statuses == {401}
        facts = json.loads(ended.stdout)
        assert len(facts["acked_ms"]) >= 2
        assert facts["missing"] == []
        assert facts["waited_ms"] < 3300
        assert eve.ask("GET", "/session").status == 200


def test_an_account_that_is_disabled_is_signed_out_everywhere(tmp_path: Path) -> None:
    """Disabling an account ends its sessions at once and lets nobody sign in to it."""
    with Server(tmp_path) as server:
        create_account(tmp_path)
        ada = Browser(server.port)
        assert ada.sign_in().status == 200
        done = tallystick(tmp_path, "account", "disable", "ada@example.com", "--json")
        assert done.returncode == 0, done.stderr
        assert ada.ask("GET", "/session").status == 401
        assert Browser(server.port).sign_in().status == 401
