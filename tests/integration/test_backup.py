"""Backup and restore with real processes: consistent while serving, nothing that ended comes back, killed at every step."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import stat
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any

import pytest

from tallystick.crypto.root_key import RootKey
from tests.support.processes import Browser, Server, create_account, create_client, tallystick

pytestmark = pytest.mark.process

QUICK = "[policy.staleness]\nlease_s = 1.2\nbeat_s = 0.3\n"
"""A short lease, so that a restore waits shortly."""
STEPS = (
    "restore: unpacked",
    "restore: followers stopped",
    "restore: leases over",
    "restore: old journal gone",
    "restore: put in place",
)


def unpack(packed: tarfile.TarFile, folder: Path) -> None:
    """Takes the database out of a backup; the filters of tarfile are younger than Debian's Python."""
    found = packed.extractfile("tallystick.db")
    assert found is not None
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tallystick.db").write_bytes(found.read())


class Stage:
    """A server with a person in several browsers and apps, a backup, and what happened after it.

    Args:
        folder: its working directory.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tallystick.toml").write_text(QUICK)
        self.server = Server(folder).start()
        create_account(folder)
        self.app = str(create_client(folder, "notes", "--kind", "native", "--first-party")["client_id"])
        self.ended, self.kept = Browser(self.server.port), Browser(self.server.port)
        assert self.ended.sign_in().status == self.kept.sign_in().status == 200
        self.tokens = {name: self._tokens() for name in ("ended", "idle", "moved", "late reuse")}

    def _tokens(self) -> str:
        reply = self.kept.sign_in_app(self.app)
        assert reply.status == 200
        return str(reply.body["refresh_token"])

    def refresh(self, token: str) -> tuple[int, str]:
        """Trades a refresh token; gives the status and the next one."""
        reply = Browser(self.server.port).refresh(token, self.app)
        return reply.status, str(reply.body.get("refresh_token", ""))

    def run(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Runs a command with the settings of the server."""
        return tallystick(self.folder, *words, environment={"TALLYSTICK_ISSUER": self.server.issuer}, **more)

    def back_up(self, name: str = "backup.tar") -> dict[str, Any]:
        """Makes a backup."""
        done = self.run("backup", name, "--json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert isinstance(found, dict)
        return found

    def afterwards(self) -> None:
        """What happens after the backup: a browser and an app are signed out, and two tokens are traded."""
        assert self.ended.ask("DELETE", "/session").status == 204
        session = self.tokens["ended"].split("_")[1]
        assert self.run("session", "revoke", session).returncode == 0
        self.tokens["superseded"] = self.tokens["late reuse"]
        for name in ("moved", "moved", "late reuse"):
            status, self.tokens[name] = self.refresh(self.tokens[name])
            assert status == 200

    def restore(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Restores the backup."""
        return self.run("restore", "backup.tar", "--json", *words)

    def standing(self) -> dict[str, int]:
        """Asks with every cookie; gives the status of each."""
        return {
            "ended cookie": self.ended.ask("GET", "/session").status,
            "kept cookie": self.kept.ask("GET", "/session").status,
        }

    def moved_to(self, folder: Path) -> Stage:
        """Gives a copy in another folder; the port is the same, so one may serve at a time."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        made = copy(self)
        made.folder, made.tokens = folder, dict(self.tokens)
        made.server = copy(self.server)
        made.server.folder = folder
        return made


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A stage with a backup and an archive of the log, whose server has ended since; each test plays on a copy."""
    made = Stage(tmp_path_factory.mktemp("stage"))
    try:
        assert made.run("log", "follow", "--archive", "log.jsonl", "--no-wait").returncode == 0
        made.back_up()
        made.afterwards()
        assert made.run("log", "follow", "--archive", "log.jsonl", "--no-wait").returncode == 0
        assert made.server.stop() == 0
    finally:
        made.server.kill()
    return made


@pytest.fixture
def stage(played: Stage, tmp_path: Path) -> Iterator[Stage]:
    """A copy of the stage."""
    made = played.moved_to(tmp_path)
    yield made
    if made.server.process is not None:
        made.server.kill()


def test_a_backup_is_whole_private_and_says_what_it_is(stage: Stage) -> None:
    """It is one file that only its owner reads, with a manifest, and no root key in it; it never replaces a file."""
    file = stage.folder / "backup.tar"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with tarfile.open(file) as packed:
        assert packed.getnames() == ["manifest.json", "tallystick.db"]
        member = packed.extractfile("manifest.json")
        assert member is not None
        manifest = json.loads(member.read())
        unpack(packed, stage.folder / "out")
    assert manifest["issuer"] == stage.server.issuer
    assert manifest["head"].startswith("1.") or manifest["head"].count(".") == 1
    assert "not in this file" in manifest["root_key"]
    with sqlite3.connect(stage.folder / "out" / "tallystick.db") as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    copy.close()
    key = (stage.folder / ".tallystick" / "root.key").read_bytes().strip().partition(b":")[2]
    assert key not in file.read_bytes()
    again = stage.run("backup", "backup.tar")
    assert again.returncode == 1
    assert "already" in again.stderr
    assert [one.name for one in stage.folder.glob(".backup*")] == []


def test_a_backup_under_load_is_consistent(tmp_path: Path) -> None:
    """While people sign in and out, each backup holds whole commits; a restore is refused with exit code 3."""
    made = Stage(tmp_path)
    stop = threading.Event()
    try:

        def load() -> None:
            while not stop.is_set():
                one = Browser(made.server.port)
                one.sign_in()
                one.ask("DELETE", "/session")

        lines = [threading.Thread(target=load) for _ in range(3)]
        for line in lines:
            line.start()
        for number in range(3):
            made.back_up(f"{number}.tar")
            with tarfile.open(tmp_path / f"{number}.tar") as packed:
                unpack(packed, tmp_path / f"{number}")
            copy = sqlite3.connect(tmp_path / f"{number}" / "tallystick.db")
            seq, entries = copy.execute("SELECT seq, (SELECT count(*) FROM ts_log) FROM ts_head").fetchone()
            endings = copy.execute("SELECT count(*) FROM ts_session WHERE ended_seq IS NOT NULL").fetchone()[0]
            copy.close()
            assert seq == entries == endings
        done = made.run("restore", "0.tar")
        assert done.returncode == 3
        assert "stop the server" in done.stderr
        stop.set()
        for line in lines:
            line.join()
    finally:
        stop.set()
        made.server.kill()


def test_nothing_resurrects_without_the_log(stage: Stage) -> None:
    """Restored without the log, everybody signs in again, in a new epoch, and then all is well."""
    done = stage.restore()
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["log_until"] is None
    assert told["position"].endswith(".1")
    with stage.server:
        assert stage.standing() == {"ended cookie": 401, "kept cookie": 401}
        assert {stage.refresh(token)[0] for token in stage.tokens.values()} == {400}
        assert Browser(stage.server.port).sign_in().status == 200


def test_nothing_resurrects_with_the_log_and_others_stay(stage: Stage) -> None:
    """Restored with the log, what ended since is ended, who is not concerned goes on, and a traded token is reuse."""
    done = stage.restore("--log", "log.jsonl")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["ended"] == 2
    with stage.server:
        assert stage.standing() == {"ended cookie": 401, "kept cookie": 200}
        assert stage.refresh(stage.tokens["ended"])[0] == 400
        assert stage.refresh(stage.tokens["idle"])[0] == 200
        status, following = stage.refresh(stage.tokens["moved"])
        assert status == 200
        assert stage.refresh(following)[0] == 200
        # Its owner comes first: then whoever kept the token that was traded before is found.
        status, following = stage.refresh(stage.tokens["late reuse"])
        assert status == 200
        assert stage.refresh(stage.tokens["superseded"])[0] == 400
        assert stage.refresh(following)[0] == 400


def test_a_log_with_a_gap_is_refused_and_nothing_changes(stage: Stage) -> None:
    """An archive that misses entries, or ends before the store did, is refused with exit code 1; the store is as it was."""
    before = (stage.folder / ".tallystick" / "tallystick.db").read_bytes()
    lines = (stage.folder / "log.jsonl").read_text().splitlines(keepends=True)
    for kept, word in [(lines[:-1], "entries are missing"), (lines[:1] + lines[2:], "gap"), (lines[2:], "gap")]:
        (stage.folder / "short.jsonl").write_text("".join(kept))
        done = stage.restore("--log", "short.jsonl")
        assert done.returncode == 1, done.stderr
        assert word in done.stderr
    assert (stage.folder / ".tallystick" / "tallystick.db").read_bytes() == before
    with stage.server:
        assert stage.standing() == {"ended cookie": 401, "kept cookie": 200}


def test_a_backup_that_cannot_be_used_is_refused(stage: Stage) -> None:
    """A damaged backup, another's, or one that the root key does not open is refused before anything is touched."""
    file, key = stage.folder / "backup.tar", stage.folder / ".tallystick" / "root.key"
    database = (stage.folder / ".tallystick" / "tallystick.db").read_bytes()
    raw, kept = file.read_bytes(), key.read_bytes()
    middle = len(raw) // 2
    spoiled = {
        "cut short": raw[:middle],
        "altered": raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :],
        "no tar": b"nothing" * 1000,
        "empty": b"",
    }
    codes = {}
    for name, content in spoiled.items():
        file.write_bytes(content)
        codes[name] = stage.restore().returncode
    file.write_bytes(raw)
    key.unlink()
    codes["no root key"] = stage.restore().returncode
    RootKey.load_or_create(key)
    codes["another root key"] = stage.restore().returncode
    key.write_bytes(kept)
    stage.server.issuer = "https://auth.example.org"
    codes["another issuer"] = stage.restore().returncode
    assert codes == dict.fromkeys([*spoiled, "another issuer"], 1) | dict.fromkeys(
        ["no root key", "another root key"], 2
    )
    assert (stage.folder / ".tallystick" / "tallystick.db").read_bytes() == database
    assert not list((stage.folder / ".tallystick").glob("*.restoring*"))


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_nothing_ended_comes_back(stage: Stage, step: str) -> None:
    """Killed at a step of it, the store opens: as restored, or as it was with everybody signed out; and it can be repeated."""
    killed = tallystick(
        stage.folder,
        "restore",
        "backup.tar",
        "--log",
        "log.jsonl",
        environment={"TALLYSTICK_ISSUER": stage.server.issuer, "TALLYSTICK_TESTING": "1", "TALLYSTICK_FAILPOINT": step},
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with stage.server:
        standing = stage.standing()
        assert standing["ended cookie"] == 401
        assert stage.refresh(stage.tokens["ended"])[0] == 400
        done = step == "restore: put in place"
        untouched = step == "restore: unpacked"
        assert standing["kept cookie"] == (200 if done or untouched else 401)
    if step == STEPS[1]:
        assert stage.restore().returncode == 0


def test_a_store_that_is_damaged_or_gone_is_restored(stage: Stage) -> None:
    """With the database damaged, or on another host with nothing but the root key, a backup is put back."""
    database = stage.folder / ".tallystick" / "tallystick.db"
    database.write_bytes(b"damaged" * 1000)
    assert stage.restore("--log", "log.jsonl").returncode == 0
    with stage.server:
        assert stage.standing() == {"ended cookie": 401, "kept cookie": 200}
    for path in database.parent.glob("tallystick.db*"):
        if path.is_file():
            path.unlink()
    done = stage.restore()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kept"] is None


def test_a_restored_store_revokes_the_keys_that_were_revoked(tmp_path: Path) -> None:
    """A signing key that was lost after the backup does not sign or verify again, and its principal's cut is told."""
    made = Stage(tmp_path)
    try:
        made.back_up()
        kid = json.loads(made.run("keys", "list", "--json").stdout)[0]["kid"]
        assert made.run("log", "follow", "--archive", "log.jsonl", "--no-wait").returncode == 0
        assert made.run("keys", "revoke", kid).returncode == 0
        assert made.run("log", "follow", "--archive", "log.jsonl", "--no-wait").returncode == 0
        assert made.server.stop() == 0
        done = made.restore("--log", "log.jsonl")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["review"] == [f"key {kid}"]
        assert f"look at key {kid}" in done.stderr
        with made.server:
            keys = {one["kid"]: one["state"] for one in json.loads(made.run("keys", "list", "--json").stdout)}
            assert keys[kid] == "revoked"
            assert "active" in keys.values()
            published = Browser(made.server.port).ask("GET", "/.well-known/jwks.json").body["keys"]
            assert kid not in {key["kid"] for key in published}
    finally:
        made.server.kill()
