"""A log that loses what it acknowledged: a failover that gives a position again, a backup that is put back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tallystick.core.revocation.entry import EVERYTHING, ORIGIN, Ending, Kind
from tallystick.core.revocation.feed import Beat
from tests.model.lease import EPOCH, STALENESS, LeaseModel, LeaseState, Log, X, Y, view_of


@dataclass(frozen=True)
class ByNumber(Log):
    """A log that compares positions only, as a cursor by number does."""

    def answer(self, beat: Beat, *, cut_short: bool = False, by_number: bool = True) -> object:  # type: ignore[override]
        """Answers a beat without a look at the chain."""
        return super().answer(beat, cut_short=cut_short, by_number=True)


@dataclass(frozen=True)
class ForkState(LeaseState):
    """The state of a lease model, and what was lost and appended again."""

    lost: bool = False
    again_at: int | None = None

    def __hash__(self) -> int:
        return hash((super().__hash__(), self.lost, self.again_at))


class ForkModel(LeaseModel):
    """The real follower against a log that a failover has cut short, or a backup has replaced.

    Args:
        mistake: `seq_only_cursor`, `restore_silently`, or the empty text.
        last_tick: how far time goes.
        restored: a backup is put back, and the verifier's process is replaced; else a failover gives a position again.
    """

    def __init__(self, mistake: str = "", *, last_tick: int = 6, restored: bool = False) -> None:
        super().__init__(mistake, last_tick=last_tick, restarts=1 if restored else 0, drift=False)
        self.restored = restored

    def initial(self) -> Iterator[ForkState]:
        """X has ended, and the verifier starts."""
        first = next(iter(super().initial()))
        log = (ByNumber() if self.mistake == "seq_only_cursor" else Log()).append(Ending(Kind.SESSION, X))
        yield ForkState(first.memory, first.action, log)

    def steps(self, state: LeaseState) -> Iterator[tuple[str, LeaseState]]:
        """What can happen next."""
        assert isinstance(state, ForkState)
        if state.now < self.last_tick:
            yield "a tick passes", replace(state, now=state.now + 1)
        yield from self._verifier(state)
        if not state.lost:
            lost = replace(state.log, entries=(), row="", acked=ORIGIN, ack_wanted=ORIGIN)
            if self.restored and self.mistake != "restore_silently":
                lost = replace(lost, epoch=EPOCH + 1).append(EVERYTHING)
            yield "a copy of before X's ending takes the log's place", replace(state, log=lost, lost=True)
        elif self.restored and state.restarts < self.restarts:
            again = replace(state, restarts=state.restarts + 1)
            yield "the verifier's process is replaced", self._started(again, f"v{again.restarts}")
        elif not self.restored and state.again_at is None:
            ended = state.log.append(Ending(Kind.SESSION, Y))
            yield "the ending of Y takes the position that X's had", replace(state, log=ended, again_at=state.now)

    def broken(self, state: LeaseState) -> str | None:
        """NothingResurrects after a restore; Bounded after a failover."""
        assert isinstance(state, ForkState)
        covers = state.memory.follower.index.covers
        if self.restored and state.restarts and self._leased(state) and covers(view_of(X)) is None:
            return "NothingResurrects: a restored log lets a token of an ended session in"
        late = state.again_at is not None and state.now >= state.again_at + STALENESS.bound_s
        if not self.restored and late and self._leased(state) and covers(view_of(Y)) is None:
            return "Bounded: an ending whose position was used before never arrives"
        return None
