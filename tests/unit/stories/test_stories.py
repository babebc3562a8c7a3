"""Every story of the folder `told`, against the real rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.stories.teller import SENTENCES, parse, tell

TOLD = sorted((Path(__file__).parent / "told").glob("*.txt"))


@pytest.mark.parametrize("path", TOLD, ids=lambda path: path.stem)
def test_a_story_goes_as_it_is_told(path: Path) -> None:
    """What happens to people, apps and thieves is what the story says, line by line."""
    differs = tell(path.read_text())
    if differs is not None:
        pytest.fail(f"{path.name}:\n\n{differs}\n", pytrace=False)


@pytest.mark.parametrize("path", TOLD, ids=lambda path: path.stem)
def test_a_story_begins_by_saying_what_it_shows(path: Path) -> None:
    """The first line of a story is a sentence for its reader."""
    assert re.fullmatch(r"# [A-Z].*[.!]", path.read_text().splitlines()[0])


def test_there_are_stories_for_every_sentence() -> None:
    """No sentence of the language is left untold."""
    told = [line.sentence for path in TOLD for line in parse(path.read_text()) if line.sentence]
    assert [pattern.pattern for pattern, _ in SENTENCES if not any(pattern.fullmatch(one) for one in told)] == []


def test_a_wrong_answer_is_shown_where_it_stands() -> None:
    """A story that goes otherwise is printed up to the line, with what the rules say."""
    differs = tell("ada signs in -> session S1, cookie C1\nC1 is presented -> session.ended\n")
    assert differs is not None
    assert differs.startswith("ada signs in -> session S1, cookie C1\nC1 is presented -> session.ended\n")
    assert differs.endswith("but the rules say: good: S1, level 1, fresh")


@pytest.mark.parametrize("story", ["ada dances -> nothing", "ada signs in", "10 sheep pass"])
def test_what_is_no_sentence_is_no_story(story: str) -> None:
    """A misspelt sentence cannot pass unnoticed."""
    with pytest.raises(ValueError, match=r"no sentence|no answer"):
        tell(story)
