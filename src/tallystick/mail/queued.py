"""The queue in front of SMTP: whoever posts a letter waits for nothing, and learns nothing of its fate.

Letters lie in the memory of the process that posted them, at most a thousand. One task delivers them; what does not work is
tried again with growing pauses until the letter is not worth sending any more. A letter that the server will never take is
told to the events and forgotten. When the process ends, each letter left gets one more try, within a few seconds. What
is lost by a crash is a mail that its owner can ask for again: nothing else hangs on it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage

from tallystick.core.session.decision import Event
from tallystick.errors import InvalidRequest, Misconfigured
from tallystick.mail.letters import Letters
from tallystick.mail.smtp import Refused, SmtpTransport, Trouble
from tallystick.ports import Clock, Entropy, Events, Letter

LETTERS_MAX = 1000
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
SPREAD = 0.3
LETTER_S = 60.0
"""How long one letter may keep the others waiting, whatever its server does."""
CLOSING_S = 5.0


@dataclass(slots=True, eq=False)
class _Waiting:
    letter: Letter
    due_at: float
    attempts: int = field(default=0)


def pause_s(attempts: int, jitter: float) -> float:
    """Gives how long to wait after a number of attempts that failed: it doubles, up to five minutes, less some jitter.

    Args:
        attempts: how many failed; at least 1.
        jitter: a random fraction, 0 to 1.
    """
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempts - 1, 16))
    return longest * (1 - SPREAD * jitter)


class QueuedMailer:
    """A Mailer with a bounded queue.

    Args:
        transport: hands letters in.
        letters: writes them.
        clock: time.
        entropy: for jitter and the names of messages.
        events: hears what became of each letter, by its kind; never an address, never a word of it.
        limit: how many letters may wait.
        closing_s: how long the end may take, seconds.
    """

    def __init__(
        self,
        transport: SmtpTransport,
        letters: Letters,
        *,
        clock: Clock,
        entropy: Entropy,
        events: Events,
        limit: int = LETTERS_MAX,
        closing_s: float = CLOSING_S,
    ) -> None:
        self._transport = transport
        self._letters = letters
        self._clock = clock
        self._entropy = entropy
        self._events = events
        self._limit = limit
        self._closing_s = closing_s
        self._waiting: list[_Waiting] = []
        self._posted = asyncio.Event()
        self._failed = 0
        self._open_at = 0.0

    def __len__(self) -> int:
        """How many letters wait."""
        return len(self._waiting)

    def post(self, letter: Letter) -> None:
        """Takes a letter; when the queue is full it is dropped, and the events are told."""
        if len(self._waiting) >= self._limit:
            self._drop(letter, "full")
            return
        self._waiting.append(_Waiting(letter, self._clock.boot()))
        self._posted.set()

    async def run(self) -> None:
        """Delivers letters until it is cancelled."""
        # An authority may be entered again, in another loop.
        self._posted = asyncio.Event()
        while True:
            _go_on()
            self._posted.clear()
            wait_s = self._next_s()
            if wait_s > 0:
                with suppress(TimeoutError):
                    # Whoever posts wakes it; a pause of the whole queue is waited out all the same.
                    async with asyncio.timeout(wait_s if self._waiting else None):
                        await self._posted.wait()
                continue
            await self._deliver(self._due())
            if self._next_s() > 0:
                await self._transport.close()

    async def close(self) -> None:
        """Tries each letter once more, within the time for it, and drops the rest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._closing_s):
                await self._deliver(list(self._waiting))
        await self._transport.close()
        for one in self._waiting:
            self._drop(one.letter, "ended")
        self._waiting.clear()

    def _next_s(self) -> float:
        if not self._waiting:
            return 1.0
        return max(self._open_at, min(one.due_at for one in self._waiting)) - self._clock.boot()

    def _due(self) -> list[_Waiting]:
        at = self._clock.boot()
        return [one for one in self._waiting if one.due_at <= at]

    async def _deliver(self, due: list[_Waiting]) -> None:
        for one in due:
            _go_on()
            if one.letter.expires_at <= self._clock.now():
                self._waiting.remove(one)
                self._drop(one.letter, "late")
            elif not await self._tried(one):
                # The server is in trouble: the others wait with this one, and are not to blame for it.
                return

    async def _tried(self, one: _Waiting) -> bool:
        """Tries one letter; tells whether the server can be asked for the next."""
        try:
            async with asyncio.timeout(LETTER_S):
                await self._transport.send(self._written(one.letter))
        except (Refused, InvalidRequest) as error:
            self._waiting.remove(one)
            code = error.code if isinstance(error, Refused) else 0
            event = Event("mail.refused", None, (("kind", one.letter.kind), ("code", str(code))))
            self._events.tell((event,), principal=one.letter.principal)
            return True
        except Misconfigured:
            self._waiting.remove(one)
            self._drop(one.letter, "template")
            return True
        except (Trouble, TimeoutError) as error:
            self._postpone(one, error.because if isinstance(error, Trouble) else "slow")
            return False
        self._waiting.remove(one)
        self._failed = 0
        self._events.tell((Event("mail.sent", None, (("kind", one.letter.kind),)),), principal=one.letter.principal)
        return True

    def _written(self, letter: Letter) -> EmailMessage:
        return self._letters.write(letter, now=self._clock.now(), name=self._entropy.bytes(16).hex())

    def _postpone(self, one: _Waiting, because: str) -> None:
        one.attempts += 1
        self._failed += 1
        jitter = self._entropy.bytes(1)[0] / 255
        at = self._clock.boot()
        one.due_at = at + pause_s(one.attempts, jitter)
        self._open_at = at + min(pause_s(self._failed, jitter), pause_s(one.attempts, jitter))
        kind, attempts = one.letter.kind, str(one.attempts)
        event = Event("mail.delayed", None, (("kind", kind), ("because", because), ("attempts", attempts)))
        self._events.tell((event,), principal=one.letter.principal)

    def _drop(self, letter: Letter, because: str) -> None:
        event = Event("mail.dropped", None, (("kind", letter.kind), ("because", because)))
        self._events.tell((event,), principal=letter.principal)


def _go_on() -> None:
    """Ends a task that was told to. On Python 3.11 `wait_for`, by which SMTP waits, may swallow that word when an answer
    comes at the same moment."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
