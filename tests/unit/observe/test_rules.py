"""The rules of anomaly detection, one by one."""

from __future__ import annotations

import pytest

from tallystick.core.ids import PrincipalId
from tallystick.core.session.decision import Event
from tallystick.observe.alarm import Alarm
from tallystick.observe.anomaly.alarm import CALM_S, KEPT, REPEAT_S, Alarms
from tallystick.observe.anomaly.detector import Detector
from tallystick.observe.anomaly.networks import FAILURES, Networks
from tallystick.observe.anomaly.stuffing import FROM_ONE, PER_NETWORK, WINDOW_S, Accounts, Stuffing
from tallystick.observe.anomaly.volume import REUSE, Volume
from tallystick.observe.anomaly.window import Average, Ratio, Window


def test_a_window_forgets_step_by_step() -> None:
    """It counts what happened within its length, and nothing older."""
    window = Window(60, 10)
    assert [window.add(now) for now in (1_000, 1_005, 1_030)] == [1, 2, 3]
    assert window.add(1_059) == 4
    assert window.add(1_060) == 3
    assert window.add(9_000) == 1
    assert window.add(8_000) == 2, "a clock that went back changes nothing that was counted"


def test_an_average_and_a_share_forget_by_halves() -> None:
    """After a half-life the old weighs as much as the new."""
    average = Average(100.0, 10.0)
    average.feed(0.0, 100.0)
    assert average.mean == pytest.approx(5.0)
    assert average.variance == pytest.approx(25.0)
    ratio = Ratio(100.0, 0.5, 10.0)
    assert ratio.share == 0.5
    ratio.feed(0, 90, 1.0)
    assert ratio.share == pytest.approx(0.05)


def test_an_alarm_is_raised_once_and_again_after_an_hour() -> None:
    """While it lasts it is told once an hour; when half is over it is over, and may be raised anew."""
    alarms = Alarms()
    heard = [at for at in range(0, REPEAT_S + 120, 60) if alarms.look("s", "all", 30, 20, at)]
    assert heard == [0, REPEAT_S]
    now = REPEAT_S + 180
    assert not alarms.look("s", "all", 15, 20, now)
    assert alarms.on("s", "all")
    assert not alarms.look("s", "all", 9, 20, now + 1)
    assert not alarms.on("s", "all")
    assert alarms.look("s", "all", 20, 20, now + 2)


def test_an_alarm_after_a_silence_is_a_new_one() -> None:
    """What begins again after a quarter of an hour is told again."""
    alarms = Alarms()
    assert alarms.look("s", "all", 30, 20, 0)
    assert alarms.look("s", "all", 30, 20, CALM_S + 1)


def test_the_memory_of_alarms_is_bounded() -> None:
    """However many networks raise one, a thousand are remembered."""
    alarms = Alarms()
    assert all(alarms.look("s", str(n), 30, 20, 0) for n in range(3 * KEPT))
    assert len(alarms._raised) == KEPT


def test_an_office_full_of_typos_is_no_stuffing() -> None:
    """Hundreds behind one address who fail and then sign in are not many accounts that failed."""
    stuffing = Stuffing()
    for n in range(300):
        found = stuffing.take(f"person-{n}", "office", n, wrong=True)
        assert all(one.observed < one.threshold for one in found)
        stuffing.take(f"person-{n}", "office", n, wrong=False)


def test_a_list_from_one_network_is_stuffing() -> None:
    """The twentieth account that fails and does not come back is one too many."""
    stuffing = Stuffing()
    found = [stuffing.take(f"listed-{n}", "bot", n, wrong=True)[0] for n in range(FROM_ONE)]
    assert [one.observed >= one.threshold for one in found] == [False] * (FROM_ONE - 1) + [True]
    assert found[-1].about == "bot"


def test_the_same_account_again_and_again_is_no_stuffing() -> None:
    """Guesses at one account are the throttle's affair."""
    stuffing = Stuffing()
    assert all(one.observed == 1 for n in range(500) for one in stuffing.take("ada", "bot", n, wrong=True))


def test_what_is_remembered_of_accounts_is_bounded_and_forgotten() -> None:
    """A flood fills two generations at most, and twice the window later all is forgotten."""
    accounts = Accounts(PER_NETWORK)
    for n in range(5 * PER_NETWORK):
        accounts.take(str(n), 0, wrong=True)
    assert accounts.failed() <= 2 * PER_NETWORK
    accounts.take("x", 3 * WINDOW_S, wrong=True)
    assert (accounts.failed(), accounts.right()) == (1, 0)


def test_a_guessed_account_from_a_new_network_is_named() -> None:
    """Five wrong proofs, then a sign-in from where the account was never seen."""
    networks = Networks()
    assert networks.signed_in("ada", "home", 0) is None
    for n in range(FAILURES):
        networks.failed("ada", 100 + n)
    found = networks.signed_in("ada", "elsewhere", 200)
    assert found is not None
    assert (found.observed, found.threshold, found.about) == (FAILURES, FAILURES, "ada")
    assert networks.signed_in("ada", "elsewhere", 201) is None


@pytest.mark.parametrize(
    ("known", "failures", "later_s"), [("home", 9, 0), ("work", 4, 0), ("work", 9, 4000), (None, 9, 0)]
)
def test_a_new_network_alone_is_not_named(known: str | None, failures: int, later_s: int) -> None:
    """Neither a known network, nor few failures, nor old ones, nor an account that is seen for the first time."""
    networks = Networks()
    if known is not None:
        networks.signed_in("ada", known, 0)
    for n in range(failures):
        networks.failed("ada", 100 + n)
    found = networks.signed_in("ada", "home", 120 + later_s)
    assert found is None or found.observed < found.threshold


def test_a_burst_of_reuse_is_named_once() -> None:
    """Ten refresh tokens that come back within five minutes are too many; one a day is not."""
    detector = Detector()
    assert [found for day in range(30) for found in detector.reused(day * 86_400)] == []
    raised = [found for n in range(40) for found in detector.reused(40 * 86_400 + n)]
    assert [found.series for found in raised] == ["reuse"]
    assert raised[0].observed == REUSE.least


def test_a_flood_that_lasts_does_not_become_usual() -> None:
    """While its alarm is on a series learns nothing."""
    volume = Volume(REUSE)
    for n in range(3_000):
        assert volume.take(n * 10, learns=False).expected == 0


def test_events_become_evidence() -> None:
    """What the events tell is looked at, and what is found is told as an event with the evidence, without any secret."""
    told: list[Event] = []
    alarm = Alarm(lambda: 1_000, told.extend)
    for n in range(FROM_ONE + 5):
        facts = (("method", "password"), ("reason", "wrong"), ("subject", f"listed-{n}"), ("network", "192.0.2.7"))
        alarm.tell((Event("authentication.failed", None, facts),))
    stuffed = [event for event in told if ("series", "stuffing") in event.facts]
    assert len(stuffed) == 1
    assert {name for name, _ in stuffed[0].facts} == {
        "series",
        "about",
        "expected",
        "observed",
        "threshold",
        "window_s",
        "sentence",
    }
    assert ("about", "192.0.2.0/24") in stuffed[0].facts or ("about", "192.0.2.0") in stuffed[0].facts


def test_a_service_with_an_old_secret_is_no_anomaly() -> None:
    """A client's wrong secrets raise nothing here, and events that say nothing of sign-ins are passed over."""
    told: list[Event] = []
    alarm = Alarm(lambda: 1_000, told.extend)
    facts = (("method", "client_secret"), ("reason", "wrong"), ("subject", "c"), ("network", "192.0.2.7"))
    for _ in range(500):
        alarm.tell((Event("authentication.failed", None, facts), Event("refresh.rotated")))
    right = Event("authentication.succeeded", None, (("method", "client_secret"), ("network", "192.0.2.7")))
    alarm.tell((right, Event("session.ended", None, (("because", "signed out"),))))
    alarm.tell((right,), principal=PrincipalId.of(bytes(16)))
    assert told == []
