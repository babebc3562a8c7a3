"""Places from a MaxMind DB file, read by the real library."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tallystick.errors import Misconfigured
from tallystick.identity.place import Place
from tallystick.observe.places import GeoPlaces
from tests.support.mmdb import city, write_places


@pytest.fixture
def places(tmp_path: Path) -> GeoPlaces:
    """A file with a town on IPv4, one on IPv6, and a record that is no place."""
    records = {
        "203.0.113.0/24": city("Bath", "England"),
        "2001:db8:7::/48": city("Llanfair" * 5, "Wales"),
        "198.51.100.0/25": ["no place"],
    }
    return GeoPlaces(write_places(tmp_path / "places.mmdb", records))


def test_an_address_is_found_in_its_network(places: GeoPlaces) -> None:
    """Any address of a network has the network's place, in IPv4 and in IPv6."""
    assert places.place_of("203.0.113.9") == Place("Bath", "England")
    assert places.place_of("203.0.113.255") == Place("Bath", "England")
    assert places.place_of("2001:db8:7::1") == Place("Llanfair" * 5, "Wales")


@pytest.mark.parametrize(
    "network", ["203.0.114.1", "198.51.100.1", "2001:db8:8::1", "::1", "local", "", "203.0.113.999"]
)
def test_what_is_not_found_is_no_place(places: GeoPlaces, network: str) -> None:
    """An address outside of every network, and a text that is no address, have no place and raise nothing."""
    assert places.place_of(network) is None


def test_a_file_that_is_no_database_is_refused_at_the_start(tmp_path: Path) -> None:
    """A missing file and a file of another kind are found while building, and the message names the setting."""
    other = tmp_path / "other.mmdb"
    other.write_bytes(b"no database" * 100)
    for path in (other, tmp_path / "missing.mmdb", tmp_path):
        with pytest.raises(Misconfigured, match="geo_database"):
            GeoPlaces(path)


def test_a_database_that_is_cut_off_gives_no_place(tmp_path: Path) -> None:
    """A file whose data is damaged gives no place for what cannot be read, and breaks nothing."""
    path = write_places(tmp_path / "places.mmdb", {"203.0.113.0/24": city("Bath", "England")})
    raw = path.read_bytes()
    at = raw.index(b"\x42en")
    path.write_bytes(raw[:at] + b"\xff\xff\xff" + raw[at + 3 :])
    assert GeoPlaces(path).place_of("203.0.113.9") is None


def test_without_the_library_the_setting_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says which extra is missing."""
    monkeypatch.setitem(sys.modules, "maxminddb", None)
    with pytest.raises(Misconfigured, match=r"tallystick\[geo\]"):
        GeoPlaces(tmp_path / "places.mmdb")
