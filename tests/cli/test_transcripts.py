"""The commands, played from transcripts."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tallystick.cli.main import run
from tallystick.cli.options import settings_of
from tallystick.server.wiring import open_authority
from tests.cli.transcript import Printed, differences, play, words_of

HERE = Path(__file__).parent
TRANSCRIPTS = sorted(HERE.glob("*.txt"))


@pytest.fixture
def stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[[list[str], str], Printed]:
    """Gives a function that runs a command in an empty folder, in this process."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TALLYSTICK_")]:
        monkeypatch.delenv(name)

    def command(words: list[str], stdin: str) -> Printed:
        capfd.readouterr()
        if words[0] == "sign-in":
            print(*asyncio.run(signed_in(*words[1:])))
            code = 0
        else:
            assert words[0] == "tallystick"
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            code = run(words[1:])
        printed = capfd.readouterr()
        return Printed(printed.out, printed.err, code)

    return command


async def signed_in(email: str, password: str, label: str = "a browser") -> tuple[str, str]:
    """Signs a browser in and gives the session's id and an access token."""
    async with open_authority(settings_of()) as authority:
        signed = await authority.sign_in(email, password, network="127.0.0.1", label=label)
        tokens = await authority.issue_access_token(signed.cookie.reveal())
        return str(signed.view.id), tokens.access_token.reveal()


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_transcript_plays(path: Path, stage: Callable[[list[str], str], Printed]) -> None:
    """Each command prints and ends as its transcript says."""
    assert play(path, stage) == []


def test_there_are_transcripts() -> None:
    """The transcripts are found where they lie."""
    assert len(TRANSCRIPTS) >= 6


def test_a_difference_is_found() -> None:
    """A line too many, a line too few and another text are noticed; holes are filled and remembered."""
    known: dict[str, str] = {}
    assert list(differences(["<id:ada>", "a … c"], f"{'2' * 22}\na b c\n", known)) == []
    assert known == {"ada": "2" * 22}
    assert list(differences(["{ada}"], f"{'3' * 22}\n", known)) != []
    assert list(differences(["one"], "one\ntwo\n", known)) == ["also printed 'two'"]
    assert list(differences(["one", "two"], "one\n", known)) == ["expected 'two', got 'nothing'"]
    assert list(differences(["one", "⋮", "four"], "one\ntwo\nthree\nfour\n", known)) == []
    assert words_of("echo 'a b' | tallystick verify - --issuer {i}", {"i": "x"}) == (
        ["tallystick", "verify", "-", "--issuer", "x"],
        "a b\n",
    )
