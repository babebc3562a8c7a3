"""The order of an exact race is the one that the test names."""

from __future__ import annotations

import asyncio

import pytest

from tallystick.testing import Sequencer


@pytest.mark.parametrize("order", [("a", "b", "c"), ("c", "a", "b")])
def test_steps_happen_in_the_named_order(order: tuple[str, ...]) -> None:
    """Whoever comes first, each step waits for the ones before it."""
    done: list[str] = []

    async def race() -> None:
        sequencer = Sequencer(*order)

        async def act(name: str) -> None:
            async with sequencer.step(name):
                await asyncio.sleep(0)
                done.append(name)

        await asyncio.gather(*(act(name) for name in "abc"))

    asyncio.run(race())
    assert tuple(done) == order


def test_a_step_that_fails_lets_the_next_begin() -> None:
    """An error in one task does not leave the others waiting for ever."""

    async def race() -> str:
        sequencer = Sequencer("a", "b")
        with pytest.raises(ZeroDivisionError):
            async with sequencer.step("a"):
                _ = 1 // 0
        async with sequencer.step("b"):
            return "b"

    assert asyncio.run(race()) == "b"


def test_a_step_that_nobody_named_is_refused() -> None:
    """A misspelt step fails at once instead of waiting for ever."""

    async def race() -> None:
        async with Sequencer("a").step("z"):
            pass

    with pytest.raises(ValueError, match="z"):
        asyncio.run(race())
