"""Clocks, randomness, and events as log lines."""

from __future__ import annotations

import json
import logging
import time

import pytest

from tallystick.core.ids import ClientId, PrincipalId, SessionId
from tallystick.core.session.decision import Event
from tallystick.crypto.clocks import SystemClock
from tallystick.crypto.entropy import SystemEntropy
from tallystick.crypto.plain_events import PlainEvents

SESSION = SessionId.of(bytes(range(16)))
PRINCIPAL = PrincipalId.of(bytes(range(1, 17)))
CLIENT = ClientId("browser")


def test_the_wall_clock_never_goes_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the system's clock is set back, the latest instant stays; then time goes on."""
    shown = iter([1000.9, 1002.1, 400.0, 1002.9, 1003.0])
    monkeypatch.setattr(time, "time", lambda: next(shown))
    clock = SystemClock()
    assert [clock.now() for _ in range(5)] == [1000, 1002, 1002, 1002, 1003]


def test_the_clocks_are_the_systems() -> None:
    """The wall clock is whole seconds of today, and the boot clock moves on in fractions."""
    clock = SystemClock()
    assert abs(clock.now() - time.time()) <= 1
    assert isinstance(clock.now(), int)
    first, second = clock.boot(), clock.boot()
    assert first <= second


def test_randomness_does_not_repeat() -> None:
    """One gets as many bytes as one asks for, and never the same."""
    entropy = SystemEntropy()
    assert [len(entropy.bytes(n)) for n in (0, 1, 32)] == [0, 1, 32]
    assert entropy.bytes(32) != entropy.bytes(32)


def test_an_event_is_one_line_with_its_words(caplog: pytest.LogCaptureFixture) -> None:
    """The line begins with the event's name; the rest is JSON, and the record has the same for structured logs."""
    with caplog.at_level(logging.INFO, logger="tallystick"):
        PlainEvents().tell(
            [Event("session.opened", SESSION, (("name", "web\nforged"),))], principal=PRINCIPAL, client=CLIENT
        )
    (record,) = caplog.records
    name, _, words = record.getMessage().partition(" ")
    assert name == "session.opened"
    assert "\n" not in words
    assert json.loads(words) == {
        "session": SESSION, "principal": PRINCIPAL, "client": CLIENT, "name": "web\nforged",
    }  # fmt: skip
    fields = record.__dict__
    assert (fields["event"], fields["session"], fields["principal"], fields["client"]) == (
        "session.opened", str(SESSION), str(PRINCIPAL), str(CLIENT),
    )  # fmt: skip
    assert fields["facts"] == {"name": "web\nforged"}
    assert record.levelno == logging.INFO


@pytest.mark.parametrize(
    ("event", "level"),
    [
        (Event("session.opened"), logging.INFO),
        (Event("session.ended", None, (("because", "signed out"),)), logging.INFO),
        (Event("session.ended", None, (("because", "reuse"),)), logging.WARNING),
        (Event("refresh.refused"), logging.WARNING),
        (Event("job.failed"), logging.WARNING),
    ],
)
def test_signs_of_theft_and_trouble_are_warnings(caplog: pytest.LogCaptureFixture, event: Event, level: int) -> None:
    """A refresh token that was used again stands out from what happens every minute."""
    with caplog.at_level(logging.INFO, logger="tallystick"):
        PlainEvents().tell([event])
    assert [record.levelno for record in caplog.records] == [level]
    assert caplog.records[0].__dict__["session"] is None


def test_events_that_nobody_reads_cost_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Where the log is set to warnings, ordinary events are not even written out."""
    with caplog.at_level(logging.WARNING, logger="tallystick"):
        PlainEvents().tell([Event("session.opened"), Event("job.failed")])
    assert [record.getMessage() for record in caplog.records] == ["job.failed {}"]
