"""The small tools behind the Makefile do what it relies on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, TESTS
from tools import changelog, ledger

REPORT = """<testsuites><testsuite>
<testcase classname="tests.unit.core.test_ids" name="a" time="30.0"/>
<testcase classname="tests.unit.test_http.TestCookies" name="b" time="30.0"/>
<testcase classname="tests.model.test_model" name="c" time="6.0"/>
</testsuite></testsuites>"""


def test_the_ledger_sums_the_minutes_of_each_folder(tmp_path: Path) -> None:
    """Minutes are counted by the folder below `tests`, whatever lies deeper."""
    report = tmp_path / "junit.xml"
    report.write_text(REPORT)
    assert ledger.minutes(report) == {"unit": 1.0, "model": pytest.approx(0.1)}


def test_every_folder_of_tests_has_its_row() -> None:
    """A folder that holds tests has a row in the ledger, and every row has minutes."""
    rows = ledger.rows((TESTS / "README.md").read_text())
    folders = {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")}
    assert folders - rows.keys() == set()
    assert all(minutes > 0 for minutes in rows.values())


def test_a_fragment_becomes_a_point_under_its_kind(tmp_path: Path) -> None:
    """The changelog names the version, then the kinds that have fragments, then one point for each."""
    (tmp_path / "README.md").write_text("how to\n")
    (tmp_path / "cookies-on-localhost.fixed.md").write_text("Two lines\nbecome one.\n")
    text = changelog.section("2026.12.0", changelog.fragments(tmp_path))
    assert text == "\n## 2026.12.0\n\n### Fixed\n\n* Two lines become one.\n"


def test_a_fragment_of_no_kind_is_refused(tmp_path: Path) -> None:
    """A fragment whose name tells no kind is not lost in silence."""
    (tmp_path / "something.md").write_text("?\n")
    with pytest.raises(ValueError, match=r"something\.md"):
        changelog.fragments(tmp_path)


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_a_missing_system_package_is_named(tmp_path: Path, ci: str, code: int) -> None:
    """Where nothing can be installed, the missing package is named; in CI that is an error."""
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", ROOT / "tools" / "system-packages", "sh", "no-such-command=wanted-package"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "CI": ci},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == code
    assert "wanted-package" in done.stderr
    assert " sh" not in done.stderr
