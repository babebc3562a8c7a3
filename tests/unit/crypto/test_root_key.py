"""The root key file: made once, read strictly, never printed."""

from __future__ import annotations

import os
import pickle
import stat
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tallystick.crypto.root_key import RootKey
from tallystick.errors import Misconfigured

KEY = bytes(range(200, 232))
OTHER = bytes(range(100, 132))


def text_of(key: bytes) -> str:
    """Gives a key as the file has it."""
    return urlsafe_b64encode(key).rstrip(b"=").decode()


def written(folder: Path, text: str | bytes, mode: int = 0o600) -> Path:
    """Writes a root key file."""
    path = folder / "root.key"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def test_a_missing_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """The first start makes the key with mode 0600 in a folder of mode 0700; the second reads the same."""
    path = tmp_path / "new" / "root.key"
    first = RootKey.load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert first.derive(1, "x") == RootKey.load_or_create(path).derive(1, "x") == RootKey.load(path).derive(1, "x")
    assert [found.name for found in path.parent.iterdir()] == ["root.key"]


def test_of_several_that_start_at_once_one_makes_the_key(tmp_path: Path) -> None:
    """Eight at once all end up with the same key, and no draft is left behind."""
    path = tmp_path / "root.key"
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda _: RootKey.load_or_create(path).derive(1, "x"), range(8)))
    assert len(set(keys)) == 1
    assert [found.name for found in tmp_path.iterdir()] == ["root.key"]


def test_a_draw_that_looks_chosen_is_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that the reader would refuse is never written."""
    drawn = iter([bytes(32), b"x" * 4, KEY, b"suff"])
    monkeypatch.setattr(os, "urandom", lambda n: next(one for one in drawn if len(one) == n))
    assert RootKey.load_or_create(tmp_path / "root.key").derive(1, "x") == RootKey({1: KEY}).derive(1, "x")


def test_a_file_has_versions_comments_and_empty_lines(tmp_path: Path) -> None:
    """The newest version makes new things, whatever the order of the lines."""
    key = RootKey.load(written(tmp_path, f"# kept in the safe\n\nv2:{text_of(OTHER)}\r\nv1:{text_of(KEY)}\n"))
    assert key.versions == (1, 2)
    assert key.newest == 2
    assert key.derive(1, "x") == RootKey({1: KEY}).derive(1, "x")


def test_purposes_and_versions_have_keys_of_their_own() -> None:
    """What is derived for one purpose says nothing of another, nor of the root."""
    key = RootKey({1: KEY, 2: OTHER})
    derived = {key.derive(version, purpose) for version in (1, 2) for purpose in ("a", "b")}
    assert len(derived) == 4
    assert all(len(one) == 32 for one in derived)
    assert not derived & {KEY, OTHER}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        text_of(KEY),
        f"v0:{text_of(KEY)}",
        f"v01:{text_of(KEY)}",
        f"v256:{text_of(KEY)}",
        f"v1:{text_of(KEY)}=",
        f"v1:{text_of(KEY[:31])}",
        f"v1:{text_of(KEY + b'x')}",
        f"v1:{text_of(bytes(32))}",
        f"v1:{text_of(b'ab' * 16)}",
        f"v1:{text_of(b'change me before you go to prod!')}",
        f"v1:{text_of(KEY)}\nv1:{text_of(OTHER)}",
        f"v1:{text_of(KEY)}\nv2:{text_of(KEY)}",
        f"v1:{text_of(KEY)}\nsecret",
        f"v1:{text_of(KEY)[:-1]}B",
        b"v1:\xff\xfe",
        "#" * 70_000,
    ],
)
def test_a_default_short_or_malformed_key_is_refused(tmp_path: Path, text: str | bytes) -> None:
    """Nothing starts with a key that somebody could guess, and the message does not quote the file."""
    with pytest.raises(Misconfigured) as refused:
        RootKey.load(written(tmp_path, text))
    assert text_of(KEY)[:20] not in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("mode", "good"), [(0o600, True), (0o400, True), (0o440, True), (0o644, False), (0o660, False), (0o602, False)]
)
def test_a_file_that_is_open_to_others_is_refused(tmp_path: Path, mode: int, good: bool) -> None:
    """A group may read the file, as containers hand secrets over; nobody else may, and nobody else may write it."""
    path = written(tmp_path, f"v1:{text_of(KEY)}\n", mode)
    if good:
        assert RootKey.load(path).newest == 1
        return
    with pytest.raises(Misconfigured, match="chmod 600"):
        RootKey.load(path)


def test_what_cannot_be_read_or_made_is_said(tmp_path: Path) -> None:
    """A missing file, a folder in its place and a folder that cannot be made are each told apart from a crash."""
    with pytest.raises(Misconfigured, match="cannot be read"):
        RootKey.load(tmp_path / "missing")
    with pytest.raises(Misconfigured, match="cannot be read"):
        RootKey.load(tmp_path)
    with pytest.raises(Misconfigured, match="no regular file"):
        RootKey.load(Path("/dev/null"))
    blocker = written(tmp_path, "x")
    with pytest.raises(Misconfigured, match="cannot be"):
        RootKey.load_or_create(blocker / "below" / "root.key")


def test_a_root_key_neither_prints_nor_pickles() -> None:
    """A log line or a queue cannot carry the key away."""
    key = RootKey({7: KEY})
    assert repr(key) == "RootKey(versions=[7])"
    with pytest.raises(TypeError):
        pickle.dumps(key)


@pytest.mark.parametrize("keys", [{}, {0: KEY}, {256: KEY}])
def test_versions_fit_into_a_byte(keys: dict[int, bytes]) -> None:
    """There is at least one version, and each lies between 1 and 255."""
    with pytest.raises(Misconfigured):
        RootKey(keys)


def test_a_version_that_is_gone_is_named() -> None:
    """Whoever took a line out too early reads which one is needed."""
    with pytest.raises(Misconfigured, match="version 3"):
        RootKey({1: KEY}).derive(3, "x")
