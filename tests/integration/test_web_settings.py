"""Settings: where each value comes from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.core.policy import BANKING, DEFAULT
from tallystick.errors import Misconfigured
from tallystick.server.settings import Settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_needs_to_be_set() -> None:
    """Without any setting it is a server for development, with its data beside it."""
    settings = Settings.load()
    assert (settings.host, settings.port, settings.workers, settings.issuer) == ("127.0.0.1", 8000, 1, None)
    assert settings.store == "sqlite:///.tallystick/tallystick.db"
    assert settings.root_key_file == Path(".tallystick/root.key")
    assert settings.policy == DEFAULT
    assert settings.pepper_bytes is None


def test_a_flag_beats_the_environment_which_beats_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defaults, then the file, then the environment, then flags: the last one that speaks is heard."""
    (folder / "tallystick.toml").write_text('port = 1\nworkers = 2\nhost = "::1"\n')
    monkeypatch.setenv("TALLYSTICK_PORT", "3")
    monkeypatch.setenv("TALLYSTICK_WORKERS", "4")
    settings = Settings.load(port=5)
    assert (settings.port, settings.workers, settings.host) == (5, 4, "::1")


def test_a_policy_is_a_preset_and_what_differs_from_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A nested value changes only itself; everything else stays as the preset has it."""
    (folder / "tallystick.toml").write_text('preset = "banking"\n[policy]\nrefresh_grace = 3\n')
    monkeypatch.setenv("TALLYSTICK_POLICY__STALENESS__LEASE_S", "2.5")
    monkeypatch.setenv("TALLYSTICK_POLICY__STALENESS__BEAT_S", "0.5")
    policy = Settings.load().policy
    assert (policy.refresh_grace, policy.staleness.lease_s) == (3, 2.5)
    assert (policy.browser, policy.fresh_lifetime) == (BANKING.browser, BANKING.fresh_lifetime)


def test_origins_are_a_list_in_the_file_and_words_in_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trusted origins are told apart by commas or blanks in the environment."""
    (folder / "tallystick.toml").write_text('trusted_origins = ["https://a.example"]\n')
    assert Settings.load().trusted_origins == ("https://a.example",)
    monkeypatch.setenv("TALLYSTICK_TRUSTED_ORIGINS", "https://b.example, https://c.example")
    assert Settings.load().trusted_origins == ("https://b.example", "https://c.example")


def test_a_secret_may_come_from_a_file_and_never_prints(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that only the server reads holds the pepper; the settings can be printed without it."""
    (folder / "pepper").write_text("ab" * 32 + "\n")
    monkeypatch.setenv("TALLYSTICK_PEPPER_FILE", "pepper")
    settings = Settings.load()
    assert settings.pepper_bytes == b"\xab" * 32
    assert "abab" not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"port": "x"}, "port"),
        ({"port": 70_000}, "port"),
        ({"workers": 0}, "workers"),
        ({"nothing": 1}, "nothing"),
        ({"policy": {"nothing": 1}}, "policy.nothing"),
        ({"policy": {"refresh_grace": 100}}, "refresh_grace"),
        ({"policy": 3}, "policy"),
        ({"preset": "none"}, "preset"),
        ({"log_level": "loud"}, "log_level"),
    ],
)
def test_what_cannot_be_used_is_named(given: dict[str, object], named: str) -> None:
    """A setting that is unknown, of the wrong type or out of range is named."""
    with pytest.raises(Misconfigured) as refused:
        Settings.load(**given)
    assert named in refused.value.detail


def test_a_bad_secret_is_not_repeated() -> None:
    """The message about a bad pepper does not hold it."""
    with pytest.raises(Misconfigured) as refused:
        Settings.load(pepper="tooshortasecret")
    assert "pepper" in refused.value.detail
    assert "tooshortasecret" not in refused.value.detail


@pytest.mark.parametrize("text", ["port = ", "nothing = 1\n", "[policy]\nnothing = 1\n", "port = 'x'\n"])
def test_a_file_that_cannot_be_used_is_refused(folder: Path, text: str) -> None:
    """A file that does not parse, or says something unknown, is refused."""
    (folder / "tallystick.toml").write_text(text)
    with pytest.raises(Misconfigured):
        Settings.load()


def test_a_missing_secret_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that was promised and is not there is no secret of None."""
    monkeypatch.setenv("TALLYSTICK_PEPPER_FILE", "nowhere")
    with pytest.raises(Misconfigured, match="nowhere"):
        Settings.load()


def test_every_setting_has_its_sentence() -> None:
    """Each setting says in one sentence what it is."""
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
