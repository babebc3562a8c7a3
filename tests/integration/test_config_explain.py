"""Where settings come from, and the settings file that `init` writes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tallystick.errors import Misconfigured
from tallystick.server.declared import declared, plain, value_of
from tallystick.server.explain import MASK, explain, line_numbers, suggestion, unknown_variables
from tallystick.server.settings import Settings
from tallystick.server.settings_text import settings_text

PEPPER = "9f1cd07a3be58842c6f10b5e77a1d3c94f206b8e015c2fa9d4739b2e8c5d1a06"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def origins(**flags: Any) -> dict[str, tuple[Any, str]]:
    """Gives the value and the origin of each setting."""
    return {one.name: (one.value, one.origin) for one in explain(flags)}


def test_every_source_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag, a variable, a secret's file, a line of the file, the preset and the default are told apart."""
    (folder / "tallystick.toml").write_text(
        '# a comment\n\nhost = "127.0.0.2"\ntrusted_origins = [\n  "https://a.example",\n]\npreset = "banking"\n'
        "port = 1\n[policy]\nrefresh_grace = 5\nstaleness.leeway = 3\n\n[policy.app]\nidle_lifetime = 3600\n"
    )
    (folder / "pepper").write_text(PEPPER)
    monkeypatch.setenv("TALLYSTICK_PORT", "2")
    monkeypatch.setenv("tallystick_workers", "3")
    monkeypatch.setenv("TALLYSTICK_PEPPER_FILE", "pepper")
    monkeypatch.setenv("TALLYSTICK_POLICY__FRESH_LIFETIME", "120")
    found = origins(store="memory://")
    assert found["store"] == ("memory://", "flag")
    assert found["port"] == (2, "environment TALLYSTICK_PORT")
    assert found["workers"] == (3, "environment tallystick_workers")
    assert found["pepper"] == (MASK, "file named by TALLYSTICK_PEPPER_FILE")
    assert found["host"] == ("127.0.0.2", "tallystick.toml:3")
    assert found["trusted_origins"] == (["https://a.example"], "tallystick.toml:4")
    assert found["policy.refresh_grace"] == (5, "tallystick.toml:10")
    assert found["policy.staleness.leeway"] == (3, "tallystick.toml:11")
    assert found["policy.app.idle_lifetime"] == (3600, "tallystick.toml:14")
    assert found["policy.fresh_lifetime"] == (120, "environment TALLYSTICK_POLICY__FRESH_LIFETIME")
    assert found["policy.access_token_lifetime"][1] == "preset banking"
    assert found["log_level"] == ("info", "default")


def test_a_policy_in_one_variable_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that holds the whole policy as JSON is named for the values that it has, and for no others."""
    monkeypatch.setenv("TALLYSTICK_POLICY", '{"refresh_grace": 7}')
    found = origins()
    assert found["policy.refresh_grace"] == (7, "environment TALLYSTICK_POLICY")
    assert found["policy.fresh_lifetime"][1] == "default"


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pepper is masked wherever it comes from; that there is none is told."""
    assert origins()["pepper"] == (None, "default")
    monkeypatch.setenv("TALLYSTICK_PEPPER", PEPPER)
    assert PEPPER not in repr(explain({}))


def test_what_names_no_setting_is_told_with_the_nearest_one() -> None:
    """A misspelt variable or name is answered with the one that may be meant; a foreign variable is left alone."""
    environment = {
        "TALLYSTICK_ISUER": "",
        "TALLYSTICK_REFRESH_GRACE": "",
        "TALLYSTICK_PEPPER_FILE": "",
        "PATH": "",
        "TALLYSTICK_ZZ": "",
    }
    assert unknown_variables(environment) == (
        ("TALLYSTICK_ISUER", "TALLYSTICK_ISSUER"),
        ("TALLYSTICK_REFRESH_GRACE", "TALLYSTICK_POLICY__REFRESH_GRACE"),
        ("TALLYSTICK_ZZ", ""),
    )
    assert suggestion("refresh_grace") == "there is no setting refresh_grace; did you mean policy.refresh_grace?"
    assert suggestion("qqqq") == "there is no setting qqqq"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a = """\nb = 1\n"""\nc = 2\n', {("a",): 1, ("c",): 4}),
        ("a = [\n 1,\n # b = 2\n]\n\n[t]\nx = { y = 1 }\n", {("a",): 1, ("t", "x", "y"): 7}),
        ("a.b = 1\na.c = 2\n", {("a", "b"): 1, ("a", "c"): 2}),
        ("", {}),
    ],
)
def test_lines_are_those_where_values_begin(text: str, expected: dict[tuple[str, ...], int]) -> None:
    """Texts and lists over several lines, dotted names and tables do not confuse the count."""
    assert line_numbers(text) == expected


def test_an_endless_file_is_refused() -> None:
    """A settings file of thousands of lines is none, and is not read over and over."""
    with pytest.raises(Misconfigured, match="more than"):
        line_numbers("# x\n" * 6000)


# ── the written file ─────────────────────────────────────────────────────────────────────────────────────────────────

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,20}\.example", fullmatch=True)
CHOSEN = st.fixed_dictionaries(
    {},
    optional={
        "issuer": NAMES.map("https://{}".format),
        "store": st.text(st.characters(codec="utf-8", exclude_categories=("C",)), min_size=1, max_size=30).map(
            lambda text: f"sqlite:///{text}"
        ),
        "host": st.sampled_from(["127.0.0.1", "::1", "0.0.0.0"]),
        "port": st.integers(0, 65535),
        "workers": st.integers(1, 64),
        "trusted_origins": st.lists(NAMES.map("https://{}".format), max_size=3).map(tuple),
        "log_level": st.sampled_from(["debug", "warning"]),
        "preset": st.sampled_from(["banking", "consumer"]),
        "policy.refresh_grace": st.integers(0, 60),
        "policy.staleness.leeway": st.integers(0, 30),
    },
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(chosen=CHOSEN)
@example(chosen={})
@example(chosen={"store": 'sqlite:///a"b\\c.db'})
def test_what_is_written_is_read_again(folder: Path, chosen: dict[str, Any]) -> None:
    """The file of any choice loads, and gives that choice and the defaults for everything else."""
    (folder / "tallystick.toml").write_text(settings_text(chosen))
    loaded = Settings.load()
    for name, value in chosen.items():
        assert value_of(loaded, tuple(name.split("."))) == value
    others = Settings.load(**{name: value for name, value in chosen.items() if "." not in name})
    for one in declared():
        if one.name not in chosen:
            assert value_of(loaded, one.path) == value_of(others, one.path)


def test_every_default_that_is_shown_is_the_default(folder: Path) -> None:
    """Taking the `# ` away from every line that shows a default changes nothing."""
    text = settings_text({})
    shown = re.sub(r'(?m)^# (?=(\w+ = (?!""$)|\[))', "", text)
    told = tomllib.loads(shown)
    (folder / "tallystick.toml").write_text(shown if "mail" not in told else text)
    assert Settings.load() == Settings()
    for one in declared():
        if one.default is None or one.optional or one.secret:
            continue
        found: Any = told
        for name in one.path:
            found = found[name]
        assert found == plain(one.default)


def test_every_setting_stands_in_the_file_with_its_sentence() -> None:
    """The file tells of each setting what the reference tells, and of a secret where it belongs."""
    text = settings_text({})
    joined = " ".join(line.removeprefix("# ") for line in text.splitlines())
    for one in declared():
        assert f"{one.path[-1]} = " in text
        assert " ".join(one.description.split()) in joined, one.name
    assert "TALLYSTICK_PEPPER_FILE" in text


def test_a_setting_that_does_not_exist_is_not_written() -> None:
    """A choice of something that is no setting is refused."""
    with pytest.raises(KeyError, match="nothing"):
        settings_text({"nothing": 1})
