"""The doctor's rules about files, disks, clocks and databases, each with facts that are made up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.server.doctor.check_files import check_clock, check_disk, check_root_key, check_settings_file
from tallystick.server.doctor.check_store import check_contents, check_schema
from tallystick.server.doctor.facts import DiskFacts, FileFacts, StoreFacts
from tallystick.server.doctor.finding import Findings, Report, found
from tallystick.server.doctor.gather_host import file_system_of
from tallystick.server.doctor.mistakes import MISTAKES
from tallystick.stores.sql.migrate import Migration

GIB = 1024**3
KEY = FileFacts("root.key")
FOLDER = FileFacts(".", mode=0o700)
DISK = DiskFacts("/srv/auth", "ext4", free=50 * GIB, total=100 * GIB)
KNOWN = (Migration(1, "0001_one.sql", "a;"), Migration(2, "0002_two.sql", "b;"))
APPLIED = tuple((one.number, one.name, one.checksum) for one in KNOWN)
STORE = StoreFacts(applied=APPLIED, issuer="https://auth.example", newest_at=100, opens=True, administrators=1)
MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
31 22 0:44 / /srv rw,relatime shared:9 - nfs4 files:/srv rw,vers=4.2
32 31 8:2 / /srv/local rw,relatime - xfs /dev/sdb1 rw
33 22 0:50 / /mnt/my\\040disk rw - cifs //nas/disk rw
"""


def ids(findings: Findings) -> list[str]:
    """Gives the ids of findings, without `doctor.`."""
    return [one.id.removeprefix("doctor.") for one in findings]


def test_a_finding_has_everything_that_helps() -> None:
    """A finding has a stable id, one sentence, a fix, and the heading of the page that tells more."""
    one = found("disk_full", "It is full.")
    assert (one.id, one.severity, one.fix) == ("doctor.disk_full", "error", MISTAKES["disk_full"].fix)
    assert one.docs == "docs/reference/doctor.md#doctordisk_full"
    assert Report((one, found("disk_filling", "It fills."))).errors == 1


@pytest.mark.parametrize("name", MISTAKES)
def test_every_mistake_is_told_in_sentences(name: str) -> None:
    """Each mistake says in a sentence why it hurts, and names a fix."""
    mistake = MISTAKES[name]
    assert mistake.why.endswith(".")
    assert len(mistake.why.split()) >= 7
    assert mistake.fix


@pytest.mark.parametrize(
    ("key", "folder", "has_database", "expected"),
    [
        (KEY, FOLDER, True, []),
        (replace(KEY, exists=False), FOLDER, False, []),
        (replace(KEY, exists=False), FOLDER, True, ["root_key_missing"]),
        (replace(KEY, problem="line 1 is none"), FOLDER, True, ["root_key_unusable"]),
        (KEY, replace(FOLDER, mode=0o777), True, ["root_key_replaceable"]),
        (KEY, replace(FOLDER, mode=0o1777), True, []),
    ],
)
def test_the_root_key(key: FileFacts, folder: FileFacts, has_database: bool, expected: list[str]) -> None:
    """A root key that is gone, broken or can be replaced is named; one that the first start will make is not."""
    assert ids(check_root_key(key, folder, has_database=has_database)) == expected


@pytest.mark.parametrize(
    ("disk", "expected"),
    [
        (DISK, []),
        (replace(DISK, kind="nfs4"), ["database_network_fs"]),
        (replace(DISK, kind="cifs"), ["database_network_fs"]),
        (replace(DISK, kind="9p"), ["database_network_fs"]),
        (replace(DISK, kind="fuse.sshfs"), ["database_network_fs"]),
        (replace(DISK, kind="overlay"), []),
        (replace(DISK, writable=False), ["database_not_writable"]),
        (replace(DISK, free=GIB // 32), ["disk_full"]),
        (replace(DISK, free=GIB // 2), ["disk_filling"]),
        (replace(DISK, free=GIB // 2, total=GIB), []),
    ],
)
def test_the_disk(disk: DiskFacts, expected: list[str]) -> None:
    """A disk that is far away, full, filling or closed is named; a small one with room is not."""
    assert ids(check_disk(disk)) == expected


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/etc", "ext4"),
        ("/srv/auth", "nfs4"),
        ("/srv", "nfs4"),
        ("/srv/local/auth", "xfs"),
        ("/srvother", "ext4"),
        ("/mnt/my disk/auth", "cifs"),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(folder: str, kind: str) -> None:
    """A folder lies on what is mounted nearest above it, also where names have blanks or begin alike."""
    assert file_system_of(Path(folder), MOUNTS) == kind


def test_an_unknown_file_system_is_none_that_is_accused() -> None:
    """Where the kernel tells nothing, nothing is said against the disk."""
    assert file_system_of(Path("/srv"), "") == "unknown"
    assert file_system_of(Path("/srv"), "a line of another shape\n") == "unknown"
    assert ids(check_disk(replace(DISK, kind="unknown"))) == []


@pytest.mark.parametrize(
    ("mode", "secrets", "expected"),
    [(0o644, (), []), (0o600, ("pepper",), []), (0o644, ("pepper",), ["settings_file_open"])],
)
def test_a_settings_file_with_a_secret_is_closed(mode: int, secrets: tuple[str, ...], expected: list[str]) -> None:
    """A settings file may be read by all, unless a secret stands in it."""
    assert ids(check_settings_file(FileFacts("tallystick.toml", mode=mode), secrets)) == expected


def test_a_clock_behind_the_log_is_found() -> None:
    """Entries from the future mean a wrong clock; a few seconds do not."""
    assert ids(check_clock(1000, 1004)) == []
    assert ids(check_clock(1000, 900)) == []
    assert ids(check_clock(1000, 4600)) == ["clock_behind_log"]


@pytest.mark.parametrize(
    ("applied", "expected"),
    [
        (APPLIED, []),
        (APPLIED[:1], ["schema_old"]),
        ((*APPLIED, (3, "0003_three.sql", "c")), ["schema_newer"]),
        ((APPLIED[0], (2, "0002_two.sql", "another")), ["schema_changed"]),
    ],
)
def test_the_schema(applied: tuple[tuple[int, str, str], ...], expected: list[str]) -> None:
    """An older, a newer and a tampered schema are told apart."""
    assert ids(check_schema(replace(STORE, applied=applied), KNOWN)) == expected


@pytest.mark.parametrize(
    ("store", "issuer", "expected"),
    [
        (STORE, "https://auth.example", []),
        (STORE, None, []),
        (replace(STORE, issuer=None), "https://auth.example", []),
        (STORE, "https://other.example", ["issuer_recorded_differs"]),
        (replace(STORE, lost=True), None, ["wal_missing"]),
        (replace(STORE, opens=False), None, ["root_key_other"]),
        (replace(STORE, opens=None), None, []),
        (replace(STORE, administrators=0), None, ["no_administrator"]),
        (replace(STORE, administrators=None), None, []),
    ],
)
def test_what_a_database_says_of_itself(store: StoreFacts, issuer: str | None, expected: list[str]) -> None:
    """Another issuer, a lost tail, another root key and a house without an administrator are named."""
    assert ids(check_contents(store, issuer)) == expected
