"""One-time passwords by time: whatever codes come in whatever order, each step is good at most once, and steps only rise."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tallystick.identity.totp import STEP_S, WINDOW, code_at, matching_step

SECRET = b"a stick that was split in two."
START = 60_000_000


@given(
    attempts=st.lists(
        st.tuples(st.integers(-90, 90), st.one_of(st.integers(-3, 3), st.text(max_size=8))), min_size=1, max_size=40
    )
)
def test_no_step_is_accepted_twice(attempts: list[tuple[int, int | str]]) -> None:
    """A clock that goes to and fro, codes of steps around it, and junk: what is accepted rises strictly."""
    now, last, accepted = START * STEP_S, -1, []
    for moved, typed in attempts:
        now += moved
        code = typed if isinstance(typed, str) else code_at(SECRET, now // STEP_S + typed)
        step = matching_step(SECRET, code, now, last)
        if step is not None:
            assert abs(step - now // STEP_S) <= WINDOW
            assert code_at(SECRET, step) == "".join(code.split())
            accepted.append(step)
            last = step
    assert accepted == sorted(set(accepted))


@given(secret=st.binary(min_size=20, max_size=20), step=st.integers(0, 2**40), moved=st.integers(-2, 2))
def test_a_code_is_good_in_its_window_and_nowhere_else(secret: bytes, step: int, moved: int) -> None:
    """A code of a step is accepted one step before to one step after it; elsewhere only if another step has the same."""
    there = max(0, step + moved)
    found = matching_step(secret, code_at(secret, step), there * STEP_S, -1)
    if abs(there - step) <= WINDOW:
        assert found is not None
    elif found is not None:
        assert code_at(secret, found) == code_at(secret, step)


@given(text=st.text(max_size=200))
def test_any_text_is_a_code_or_none(text: str) -> None:
    """Whatever is typed gives a step or nothing, never an error."""
    step = matching_step(SECRET, text, START * STEP_S, -1)
    assert step is None or abs(step - START) <= WINDOW
