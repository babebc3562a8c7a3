"""What a verifier counts, and the page that a host application serves."""

from __future__ import annotations

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tallystick.errors import TallystickError
from tallystick.verifier import Verifier
from tallystick.verifier.exposition import number, page
from tallystick.verifier.metric import Kind, Label, Metric, Timed, Timing
from tallystick.verifier.metrics import VERIFIER_METRICS, name_of
from tallystick.verifier.tally import SAMPLED
from tests.support.scraping import parsed, total
from tests.unit.core.verification.plain_log import ThreadedLog
from tests.unit.verifier.minting import AUDIENCE, ISSUER, Key, a_cookie, a_session, key_set


def test_a_verifier_counts_what_it_accepts_and_refuses() -> None:
    """First sights, remembered ones and refusals are told apart, each with its reason."""
    key = Key()
    with Verifier(ISSUER, AUDIENCE, revocation="none", shared_keys=json.loads(key_set(key)), name="export") as verifier:
        token = key.mint(a_session())
        for _ in range(SAMPLED + 2):
            verifier.verify(token)
        for refused in ("no.good.token", key.mint(a_session(), aud="https://other.example"), Key().mint(a_session())):
            with pytest.raises(TallystickError):
                verifier.verify(refused)
        with pytest.raises(TallystickError):
            verifier.session_of_blocking({})
        found = parsed(verifier.metrics())
    assert total(found, "tallystick_validations_total", credential="access_token", cache="miss") == 1
    assert total(found, "tallystick_validations_total", credential="access_token", cache="hit") == SAMPLED + 1
    assert total(found, "tallystick_validation_seconds_count", cache="hit") == 1
    assert total(found, "tallystick_validation_seconds_count", cache="miss") == 1
    for reason, credential in (
        ("credential.malformed", "access_token"),
        ("credential.audience_mismatch", "access_token"),
        ("credential.key_unknown", "access_token"),
        ("credential.missing", "none"),
    ):
        assert total(found, "tallystick_validation_refusals_total", credential=credential, reason=reason) == 1, reason
    assert total(found, "tallystick_lease_lapses_total", verifier="export") == 0


def test_what_is_refused_for_want_of_a_lease_is_counted_once() -> None:
    """Each request without a lease counts once, whichever credential it brings."""
    verifier = Verifier(ISSUER, AUDIENCE, follow=ThreadedLog())
    for check in (
        lambda: verifier.verify(Key().mint(a_session())),
        lambda: verifier.view_of_cookie_blocking(a_cookie()[0]),
    ):
        with pytest.raises(TallystickError):
            check()
    found = parsed(verifier.metrics())
    assert total(found, "tallystick_validation_refusals_total", reason="lease.lapsed") == 2
    assert total(found, "tallystick_validations_total") == 0


def test_the_page_declares_every_family_once() -> None:
    """Each metric has one help and one type, also without any series."""
    text = page({metric: {} for metric in VERIFIER_METRICS})
    assert text.count("# TYPE ") == text.count("# HELP ") == len(VERIFIER_METRICS)
    assert len(list(text_string_to_metric_families(text))) == len(VERIFIER_METRICS)


def test_whatever_a_label_holds_can_be_read_back() -> None:
    """Quotes, backslashes and line ends in a name do not break the page."""
    metric = Metric("tallystick_x", Kind.GAUGE, 'Help with "quotes", \\ and\na line.', (Label("name"),))
    for nasty in ('a"b', "a\\b", "a\nb", 'a\\"\n', "é", "}"):
        found = parsed(page({metric: {(nasty,): 1.5}}))
        assert found == {("tallystick_x", (("name", nasty),)): 1.5}


def test_a_histogram_is_cumulative() -> None:
    """Buckets count everything below them, and the last is the count."""
    metric = Metric("tallystick_took_seconds", Kind.HISTOGRAM, "Took.", buckets=(1.0, 2.5))
    timing = Timing(metric.buckets)
    for seconds in (0.5, 1.0, 2.0, 9.0, -3.0):
        timing.add(seconds)
    assert timing.read() == Timed((3, 1, 1), 12.5)
    found = parsed(page({metric: {(): timing.read()}}))
    buckets = {dict(labels)["le"]: value for (name, labels), value in found.items() if name.endswith("_bucket")}
    assert buckets == {"1": 3, "2.5": 4, "+Inf": 5}
    assert total(found, "tallystick_took_seconds_count") == 5
    assert total(found, "tallystick_took_seconds_sum") == 12.5


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (1.5, "1.5"), (float("inf"), "+Inf"), (float("-inf"), "-Inf"), (float("nan"), "NaN"), (1e20, "1e+20")],
)
def test_numbers_are_written_as_prometheus_reads_them(value: float, text: str) -> None:
    """Whole numbers have no point, and infinity has its name."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("verifier", "name"),
    [
        ("export-0123456789abcdef", "export"),
        ("a-b-0123456789abcdef", "a-b"),
        ("plain", "plain"),
        ("x-short", "x-short"),
    ],
)
def test_a_verifiers_id_begins_with_its_name(verifier: str, name: str) -> None:
    """The readable part is what comes before the random one."""
    assert name_of(verifier) == name
