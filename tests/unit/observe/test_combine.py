"""What the processes of a host counted becomes one page."""

from __future__ import annotations

import pytest

from tallystick.observe import catalogue as of
from tallystick.observe.combine import buried, combined
from tallystick.observe.counts import Counts, prepared
from tallystick.observe.snapshot import Snapshot, read, written
from tallystick.verifier.metric import Kind, Label, Metric, Over, Timed

SEEN = Metric("tallystick_seen_total", Kind.COUNTER, "Seen.", (Label("kind", ("a", "b", "other")),))
OPEN = Metric("tallystick_open_total", Kind.COUNTER, "Open.", (Label("name", most=2),))
TOOK = Metric("tallystick_took_seconds", Kind.HISTOGRAM, "Took.", buckets=(1.0, 2.0))
WAITING = Metric("tallystick_waiting", Kind.GAUGE, "Waiting.")
LARGEST = Metric("tallystick_largest", Kind.GAUGE, "Largest.", over=Over.MAX)
ALL = (SEEN, OPEN, TOOK, WAITING, LARGEST)


def counted(kind: str, seconds: float, waiting: float) -> Counts:
    """Gives the counts of a process that has seen one thing."""
    counts = Counts(ALL)
    counts.add(SEEN, kind)
    counts.observe(TOOK, seconds)
    counts.set(WAITING, waiting)
    counts.set(LARGEST, waiting)
    return counts


def test_counters_and_times_add_up() -> None:
    """The page has the sums of all processes, and of gauges the sum or the largest as declared."""
    page = combined([counted("a", 0.5, 3).readings(), counted("a", 9, 4).readings()], {}, ALL)
    assert page[SEEN] == {("a",): 2, ("b",): 0, ("other",): 0}
    assert page[TOOK] == {(): Timed((1, 0, 1), 9.5)}
    assert page[WAITING] == {(): 7}
    assert page[LARGEST] == {(): 4}


def test_what_the_dead_counted_stays_and_what_they_held_goes() -> None:
    """Counters of ended processes still count; their gauges do not."""
    ended = buried(buried({}, counted("a", 0.5, 3).readings()), counted("b", 1.5, 5).readings())
    page = combined([counted("b", 9, 4).readings()], ended, ALL)
    assert page[SEEN] == {("a",): 1, ("b",): 2, ("other",): 0}
    assert page[TOOK] == {(): Timed((1, 1, 1), 11.0)}
    assert page[WAITING] == {(): 4}
    assert page[LARGEST] == {(): 4}


def test_a_value_outside_of_a_closed_set_is_other() -> None:
    """No event can make a new series of a closed label."""
    counts = Counts(ALL)
    for word in ("c", "d", ""):
        counts.add(SEEN, word)
    assert counts.readings()[SEEN] == {("a",): 0, ("b",): 0, ("other",): 3}


def test_an_open_set_is_bounded_in_a_process_and_over_all() -> None:
    """Beyond its bound an open label counts as other, also when processes with different values are added."""
    one, two = Counts(ALL), Counts(ALL)
    for name in ("x", "y", "z", "x"):
        one.add(OPEN, name)
    two.add(OPEN, "w")
    assert one.readings()[OPEN] == {("x",): 2, ("y",): 1, ("other",): 1}
    assert combined([one.readings(), two.readings()], {}, ALL)[OPEN] == {("x",): 2, ("y",): 1, ("other",): 2}


def test_a_snapshot_is_read_as_it_was_written() -> None:
    """What a process leaves for the others comes back the same."""
    readings = {**counted("a", 0.5, float("inf")).readings()}
    assert read(written(Snapshot(12.5, readings)), ALL) == Snapshot(12.5, readings)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"format":2,"at":1,"series":{}}',
        '{"format":1,"at":"x","series":{}}',
        '{"format":1,"at":1,"series":[]}',
    ],
)
def test_what_is_no_snapshot_is_none(text: str) -> None:
    """A torn or foreign file is passed over."""
    assert read(text, ALL) is None


@pytest.mark.parametrize("row", ["[[],1]", '[["a","b"],1]', '[["a"],"1"]', "[[1],1]", '[["a"],[[1],2]]', "7"])
def test_a_series_that_does_not_fit_is_left_out(row: str) -> None:
    """After an upgrade, what is declared otherwise now is dropped, and the rest is kept."""
    text = '{"format":1,"at":1,"series":{"tallystick_seen_total":[ROW,[["b"],2]],"gone":[[[],1]]}}'.replace("ROW", row)
    found = read(text, ALL)
    assert found is not None
    assert found.readings[SEEN] == {("b",): 2}
    assert set(found.readings) == set(ALL)


def test_times_of_other_buckets_are_left_out() -> None:
    """A histogram whose buckets changed begins anew rather than be added to the wrong ones."""
    found = read('{"format":1,"at":1,"series":{"tallystick_took_seconds":[[[],[[1,2],3.0]]]}}', ALL)
    assert found is not None
    assert found.readings[TOOK] == {}


def test_the_names_of_metrics_follow_the_rules() -> None:
    """Every name begins with tallystick, a counter's ends with total and no other's does, units are base units."""
    for metric in of.CATALOGUE:
        assert metric.name.startswith("tallystick_")
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER), metric.name
        assert (metric.kind is Kind.HISTOGRAM) == bool(metric.buckets), metric.name
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert metric.kind is not Kind.HISTOGRAM or metric.name.endswith("_seconds")
        assert metric.help.endswith(".")
    assert len({metric.name for metric in of.CATALOGUE}) == len(of.CATALOGUE)


def test_no_label_can_name_a_person() -> None:
    """The only open label names verifiers; every other comes from a closed set, and the page has a bound."""
    opened = {label.name for metric in of.CATALOGUE for label in metric.labels if not label.values}
    assert opened == {"verifier", "version", "python"}
    assert sum(len(list(prepared(metric))) * (len(metric.buckets) + 3) for metric in of.CATALOGUE) < 2500
