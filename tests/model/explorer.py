"""A breadth-first search over the states of a model, which is made of the real rules.

A model is data: states are frozen and hashable, a step is a sentence and the state after it. The search is exhaustive up
to the bounds that the model itself sets (instants, generations, attempts), and breadth-first, so that the first
violation found has the shortest story. A story prints one sentence a line, ready to be read or saved.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

State = TypeVar("State", bound=Hashable)


class Model(Protocol[State]):
    """What can be explored."""

    def initial(self) -> Iterable[State]:
        """Gives the states to begin from."""

    def steps(self, state: State) -> Iterable[tuple[str, State]]:
        """Gives what can happen in a state: a sentence, and the state after it."""

    def broken(self, state: State) -> str | None:
        """Names the invariant that a state breaks and how, or gives None."""


@dataclass(frozen=True)
class Explored(Generic[State]):
    """What a search saw.

    Args:
        states: how many distinct states were visited.
        broken: the invariant that the first bad state breaks; None if every state is good.
        story: the sentences that lead there.
    """

    states: int
    broken: str | None
    story: tuple[str, ...]

    def __str__(self) -> str:
        if self.broken is None:
            return f"{self.states} states, every invariant holds"
        lines = "\n".join(f"  {number:2}. {sentence}" for number, sentence in enumerate(self.story, 1))
        return f"{self.states} states, then {self.broken}:\n{lines}"


def explore(model: Model[State], *, states_max: int = 2_000_000) -> Explored[State]:
    """Visits every state that a model can reach, nearest first, until one is bad.

    Args:
        model: what to explore.
        states_max: a bound on memory; reaching it without an answer is a failure of the model's own bounds.

    Raises:
        OverflowError: the model reaches more states than that.
    """
    came_from: dict[State, tuple[State, str] | None] = {}
    queue: deque[State] = deque()
    for state in model.initial():
        came_from[state] = None
        queue.append(state)
    while queue:
        state = queue.popleft()
        broken = model.broken(state)
        if broken is not None:
            return Explored(len(came_from), broken, _story(came_from, state))
        for sentence, after in model.steps(state):
            if after not in came_from:
                came_from[after] = (state, sentence)
                queue.append(after)
        if len(came_from) > states_max:
            raise OverflowError(f"more than {states_max} states: the model's bounds are too wide")
    return Explored(len(came_from), None, ())


def _story(came_from: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    sentences: list[str] = []
    step = came_from[state]
    while step is not None:
        state, sentence = step
        sentences.append(sentence)
        step = came_from[state]
    return tuple(reversed(sentences))
