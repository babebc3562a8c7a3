"""Where a network is, in words that its owner recognises."""

from __future__ import annotations

import pytest

from tallystick.identity.place import NAME_LENGTH_MAX, Place, described, place_in


def test_a_city_and_its_country_are_shown_together() -> None:
    """A record with a city gives "City, Country" in English."""
    record = {"city": {"names": {"en": "Bath", "fr": "Bain"}}, "country": {"names": {"en": "England"}}}
    assert described(place_in(record), "203.0.113.9") == "Bath, England"


def test_a_country_alone_is_shown_alone() -> None:
    """A record without a city gives the country, or the one that the network is registered in."""
    assert described(place_in({"country": {"names": {"en": "Wales"}}}), "") == "Wales"
    assert described(place_in({"registered_country": {"names": {"en": "Wales"}}}), "") == "Wales"
    assert described(place_in({"city": {"names": {"en": "Bath"}}}), "") == "Bath"


@pytest.mark.parametrize(
    "record",
    [
        None,
        "Bath",
        17,
        [],
        {},
        {"city": "Bath"},
        {"city": {"names": "Bath"}},
        {"city": {"names": {"en": 3}}},
        {"city": {"names": {"de": "Bad"}}},
        {"country": {"names": {"en": "\n \x1b"}}},
    ],
)
def test_a_record_of_another_shape_is_no_place(record: object) -> None:
    """Whatever a foreign file says, it gives a place or nothing."""
    assert place_in(record) is None


def test_a_name_cannot_end_a_line_or_fill_a_page() -> None:
    """Control characters of a foreign file are dropped, and a name is cut."""
    place = place_in({"city": {"names": {"en": "Ba\r\nth\x1b[31m" + "x" * 500}}})
    assert place is not None
    assert place.city.startswith("Bath[31m")
    assert len(place.city) == NAME_LENGTH_MAX


@pytest.mark.parametrize(
    ("network", "shown"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("local", "unknown"),
    ],
)
def test_the_network_is_shown_when_its_place_is_unknown(network: str, shown: str) -> None:
    """Without a place the network is shown, which says as much as its owner needs."""
    assert described(None, network) == shown


def test_a_place_without_names_shows_nothing_of_itself() -> None:
    """An empty place has no words."""
    assert described(Place(), "203.0.113.9") == ""
