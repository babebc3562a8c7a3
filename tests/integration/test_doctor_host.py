"""The doctor on this host: real files, disks, databases and mail servers, each mistake planted and named."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import trustme
from aiosmtpd.controller import Controller

from tallystick.server.doctor.check_files import check_disk
from tallystick.server.doctor.check_mail import check_mail
from tallystick.server.doctor.examine import Examination
from tallystick.server.doctor.gather_host import disk_facts
from tallystick.server.doctor.gather_mail import mail_facts
from tests.support.processes import PASSWORD, free_port, tallystick

pytestmark = pytest.mark.process
DATABASE = Path(".tallystick/tallystick.db")
ROOT_KEY = Path(".tallystick/root.key")
NOBODY = 65534


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `init` leaves it."""
    folder = tmp_path_factory.mktemp("founded")
    made = tallystick(
        folder,
        "init",
        "--issuer",
        "https://auth.example",
        "--admin",
        "ada@example.com",
        "--password-stdin",
        stdin=PASSWORD,
    )
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture
def folder(founded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, to make mistakes in; the working folder of the test."""
    copy = tmp_path / "copy"
    shutil.copytree(founded, copy)
    monkeypatch.chdir(copy)
    return copy


def found(**flags: object) -> list[str]:
    """Gives the ids of what the doctor finds in the working folder, without `doctor.`."""
    report = Examination(dict(flags), offline=True).run()
    assert report.unseen == ()
    return sorted(one.id.removeprefix("doctor.") for one in report.findings)


def change(statement: str) -> None:
    """Changes the database behind the server's back."""
    with closing(sqlite3.connect(DATABASE)) as connection:
        connection.executescript(statement)


def test_what_init_makes_is_sound(folder: Path) -> None:
    """A set-up as `init` makes it gives no finding."""
    assert found() == []


def test_an_empty_folder_has_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no database the doctor says so, and makes none."""
    monkeypatch.chdir(tmp_path)
    assert found() == ["nothing_here"]
    assert list(tmp_path.iterdir()) == []


def open_root_key() -> None:
    """Lets everybody read the root key."""
    ROOT_KEY.chmod(0o644)


def lose_root_key() -> None:
    """Moves the root key away."""
    ROOT_KEY.unlink()


def break_root_key() -> None:
    """Writes something else into the root key file."""
    ROOT_KEY.write_text("v1:hunter2\n")


def make_another_root_key() -> None:
    """Puts the root key of another set-up in the place of this one's."""
    ROOT_KEY.unlink()
    done = tallystick(Path(), "account", "list", environment={"TALLYSTICK_STORE": "memory://"})
    assert done.returncode == 0, done.stderr


def open_root_key_folder() -> None:
    """Keeps the root key in a folder that everybody may write."""
    os.environ["TALLYSTICK_ROOT_KEY_FILE"] = "shared/root.key"
    Path("shared").mkdir()
    Path("shared").chmod(0o777)
    shutil.copy2(ROOT_KEY, "shared/root.key")


def open_database() -> None:
    """Lets everybody read the database."""
    DATABASE.chmod(0o644)


def make_it_old() -> None:
    """Forgets the newest migration, as a database of an older version has never had it."""
    change("DELETE FROM ts_migration WHERE number = (SELECT max(number) FROM ts_migration)")


def make_it_newer() -> None:
    """Records a migration of tomorrow."""
    change("INSERT INTO ts_migration VALUES (9999, '9999_tomorrow.sql', 'x', 1)")


def tamper() -> None:
    """Changes what a migration was."""
    change("UPDATE ts_migration SET checksum = 'x' WHERE number = 1")


def come_from_the_future() -> None:
    """Writes an entry of tomorrow into the log, as a host with a wrong clock does."""
    done = tallystick(Path(), "principal", "revoke", "ada@example.com", "--strength", "logged")
    assert done.returncode == 0, done.stderr
    change(f"UPDATE ts_log SET appended_at = {int(time.time()) + 86_400}")


def come_without_companions() -> None:
    """Moves the database without the files beside it."""
    done = tallystick(Path(), "principal", "revoke", "ada@example.com", "--strength", "logged")
    assert done.returncode == 0, done.stderr
    for one in DATABASE.parent.glob("tallystick.db?*"):
        one.unlink()


def put_older_copy_back() -> None:
    """Puts a copy from before an ending back, without saying so."""
    shutil.copy2(DATABASE, "before.db")
    done = tallystick(Path(), "principal", "revoke", "ada@example.com", "--strength", "logged")
    assert done.returncode == 0, done.stderr
    for one in DATABASE.parent.glob("tallystick.db-*"):
        one.unlink()
    shutil.copy2("before.db", DATABASE)


def lose_the_administrator() -> None:
    """Takes the permission from the only administrator."""
    change("UPDATE ts_account SET permissions = ''")


def write_a_secret_into_an_open_file() -> None:
    """Writes the pepper into a settings file that everybody may read."""
    pepper = "9f1c" * 4 + "d07a3be58842c6f10b5e77a1d3c94f20" + "6b8e015c2fa9d473"
    Path("tallystick.toml").write_text(f'pepper = "{pepper}"\nissuer = "https://auth.example"\n')
    Path("tallystick.toml").chmod(0o644)


@pytest.mark.parametrize(
    ("mistake", "expected"),
    [
        (open_root_key, ["root_key.open", "root_key_unusable"]),
        (lose_root_key, ["root_key_missing"]),
        (break_root_key, ["root_key_unusable"]),
        (make_another_root_key, ["root_key_other"]),
        (open_root_key_folder, ["root_key_replaceable"]),
        (open_database, ["database.open"]),
        (make_it_newer, ["schema_newer"]),
        (tamper, ["schema_changed"]),
        (come_from_the_future, ["clock_behind_log"]),
        (come_without_companions, ["wal_missing"]),
        (put_older_copy_back, ["wal_missing"]),
        (lose_the_administrator, ["no_administrator"]),
        (write_a_secret_into_an_open_file, ["settings_file_open"]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_mistake_on_this_host_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch, mistake: Callable[[], None], expected: list[str]
) -> None:
    """Each mistake, made with real files, gives its finding and no other."""
    monkeypatch.delenv("TALLYSTICK_ROOT_KEY_FILE", raising=False)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    mistake()
    assert found() == expected


def test_an_old_schema_is_found(folder: Path) -> None:
    """A database that lacks the newest migration is said to be older, which the next start mends."""
    make_it_old()
    assert "schema_old" in found()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("TALLYSTICK_ISUER", "https://auth.example", ["setting_unknown"]),
        ("TALLYSTICK_PORT", "eighty", ["settings_unusable"]),
        ("TALLYSTICK_ISSUER", "https://other.example", ["issuer_recorded_differs"]),
        ("TALLYSTICK_TRUSTED_ORIGINS", "https://app.example.org", ["cookie_other_site"]),
        ("TALLYSTICK_TRUSTED_PROXIES", "*", ["proxies.wide"]),
        ("TALLYSTICK_PEPPER", "00" * 32, ["pepper.sample"]),
    ],
)
def test_a_mistaken_setting_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: list[str]
) -> None:
    """A misspelt, an impossible, a foreign and a guessable setting are each named."""
    monkeypatch.setenv(name, value)
    assert found() == expected


def test_plain_http_on_a_name_of_the_local_network_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An issuer that browsers would keep no cookie for is found before anybody tries."""
    monkeypatch.setenv("TALLYSTICK_ISSUER", "http://nas.lan:8000")
    assert "issuer_plain_http" in found()


def test_workers_with_a_memory_each_are_found(folder: Path) -> None:
    """Several workers without a store that they share are found."""
    assert found(store="memory://", workers=4) == ["workers.memory"]


def test_a_network_file_system_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database on a file system that the kernel calls nfs4 is found; what the kernel says is handed in here."""
    said = f"31 22 0:44 / {folder} rw,relatime - nfs4 files:/srv rw,vers=4.2\n"
    monkeypatch.setattr("tallystick.server.doctor.gather_host._mounts", lambda: said)
    assert found() == ["database_network_fs"]


def test_the_kernel_says_what_this_folder_lies_on(folder: Path) -> None:
    """The real list of mounts is read: this folder lies on something that has a name, and has room."""
    facts = disk_facts(DATABASE)
    # In a changed root the list of mounts does not name what lies below, and then the doctor accuses nobody.
    mounted = {line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()}
    assert (facts.kind != "unknown") == ("/" in mounted)
    assert facts.total >= facts.free > 0
    assert facts.writable


def test_a_database_of_somebody_else_is_found() -> None:
    """A doctor that runs as the wrong user, as a server would, says that it cannot write."""
    with tempfile.TemporaryDirectory() as name:
        database = Path(name) / "tallystick.db"
        database.touch(mode=0o600)
        database.parent.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(NOBODY)
        try:
            facts = disk_facts(database)
        finally:
            if root:
                os.seteuid(0)
            database.parent.chmod(0o700)
    assert [one.id for one in check_disk(facts)] == ["doctor.database_not_writable"]


def test_the_command_says_it_as_json_and_by_its_exit_code(folder: Path) -> None:
    """0 for a sound set-up, 1 for an error, 3 when it could not look; the JSON has every part of a finding."""
    sound = tallystick(folder, "doctor", "--offline", "--json")
    assert (sound.returncode, json.loads(sound.stdout)["findings"]) == (0, [])
    unseen = tallystick(folder, "doctor", "--url", "http://127.0.0.1:1", "--json")
    assert unseen.returncode == 3
    assert json.loads(unseen.stdout)["unseen"][0]["what"] == "http://127.0.0.1:1"
    lose_root_key()
    ill = tallystick(folder, "doctor", "--offline", "--json")
    (finding,) = json.loads(ill.stdout)["findings"]
    assert ill.returncode == 1
    assert finding["id"] == "doctor.root_key_missing"
    assert set(finding) == {"id", "severity", "says", "fix", "docs"}
    assert not ROOT_KEY.exists()


# ── mail ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Silent:
    """Takes mail and does nothing with it."""


@contextmanager
def smtp(**more: object) -> Iterator[Controller]:
    """Runs a real SMTP server on a port of its own."""
    controller = Controller(Silent(), hostname="localhost", port=free_port(), **more)
    controller.start()
    try:
        yield controller
    finally:
        controller.stop()


def judged(port: int, security: str) -> list[str]:
    """Gives the ids of what is found about a mail server on localhost."""
    return [one.id.removeprefix("doctor.") for one in check_mail(mail_facts("localhost", port, security))]


def test_mail_servers_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that answers is sound, one without STARTTLS lacks security, one that is not there is unreachable."""
    with smtp() as plain:
        assert judged(plain.port, "none") == []
        assert judged(plain.port, "starttls") == ["mail_security"]
        assert judged(plain.port, "tls") == ["mail_security"]
    assert judged(free_port(), "none") == ["mail_unreachable"]
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with smtp(tls_context=context) as secure:
        assert judged(secure.port, "starttls") == ["mail_security"]
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert judged(secure.port, "starttls") == []


def test_a_mail_server_that_says_something_else_is_unreachable() -> None:
    """A port on which something else answers is no mail server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with listener.accept()[0] as line:
                line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        facts = mail_facts("127.0.0.1", listener.getsockname()[1], "none")
        thread.join()
    assert facts.problem
