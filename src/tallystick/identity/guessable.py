"""Passwords that are guessed by their build: runs, repetitions, and common ones with a little around them.

A list of breached passwords has few of fifteen characters, so the long and weak ones are found by what they consist of.
A whole password is weighed as the fewest pieces it can be put together from: a run on the keyboard, in the alphabet or
of one sign weighs 1 however long it is, a common password 2, any other sign 1. What weighs less than `WEIGHT_MIN` is
guessed early. A passphrase of three words, or of one and four signs of one's own, passes.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from itertools import groupby, pairwise

WEIGHT_MIN = 6
_WORD = 2
_WORD_SHORTEST, _WORD_LONGEST = 4, 20
_TWO_RUNS = 4
_RUN_SHORTEST = 3
_ROWS = (
    "1234567890-=",
    "qwertyuiop[]",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "qazwsxedcrfvtgbyhnujmik,ol.p;/",
    "!@#$%^&*()_+",
)
"""Rows and columns of the keyboards of English, German and French, as fingers run over them."""
_NEXT = frozenset(pair for row in _ROWS for pair in (*pairwise(row), *pairwise(row[::-1]))) | {
    ("9", "0"),
    ("0", "9"),
    ("0", "1"),
    ("1", "0"),
}


def is_guessable(password: str, common: Container[str]) -> bool:
    """Tells whether a password is weighed too light.

    Args:
        password: normalised and case-folded, at most 256 characters.
        common: common passwords, case-folded.
    """
    squeezed = "".join(sign for sign, _ in groupby(password))
    return (
        _repeats(password, common)
        or _weight(password, common) < WEIGHT_MIN
        # Each sign doubled or more, and two runs that alternate: 11aa22bb, 1q2w3e4r.
        or (len(squeezed) <= len(password) // 2 and _weight(squeezed, common) < WEIGHT_MIN)
        or _weight(password[::2], ()) + _weight(password[1::2], ()) < _TWO_RUNS
    )


def _repeats(password: str, common: Container[str]) -> bool:
    """Tells whether it is one part over and over: of at most eight characters, or one that is guessable by itself."""
    length = len(password)
    for period in range(1, length // 2 + 1):
        if password[:-period] == password[period:]:
            return period <= 8 or is_guessable(password[:period], common)
    return False


def _weight(text: str, common: Container[str]) -> int:
    """Gives the least weight of the pieces that make up a text, or WEIGHT_MIN if it is that or more."""
    reached: list[set[int]] = [{0}, *(set[int]() for _ in range(WEIGHT_MIN - 1))]
    seen = set[int]()
    for weight, ends in enumerate(reached):
        if len(text) in ends:
            return weight
        for begin in ends - seen:
            for end, more in _pieces(text, begin, common if weight + _WORD < WEIGHT_MIN else ()):
                if weight + more < WEIGHT_MIN:
                    reached[weight + more].add(end)
        seen |= ends
    return WEIGHT_MIN


def _pieces(text: str, begin: int, common: Container[str]) -> Iterator[tuple[int, int]]:
    """Gives where the pieces that begin at a place end, and what each weighs."""
    yield begin + 1, 1
    end = _run_end(text, begin)
    if end - begin >= _RUN_SHORTEST:
        yield end, 1
    if common:
        for end in range(begin + _WORD_SHORTEST, min(len(text), begin + _WORD_LONGEST) + 1):
            if text[begin:end] in common:
                yield end, _WORD


def _run_end(text: str, begin: int) -> int:
    """Gives where the run that begins at a place ends: one step in the alphabet, or neighbours on a keyboard."""
    longest = begin + 1
    if begin + 1 < len(text) and abs(step := ord(text[begin + 1]) - ord(text[begin])) <= 1:
        while longest < len(text) and ord(text[longest]) - ord(text[longest - 1]) == step:
            longest += 1
    end = begin + 1
    while end < len(text) and (text[end - 1], text[end]) in _NEXT:
        end += 1
    return max(longest, end)
