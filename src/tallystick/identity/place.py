"""Where a network is, in words that its owner recognises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tallystick.identity.throttle import network_of

NAME_LENGTH_MAX = 80
LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Place:
    """What a database says of a network; either may be empty.

    Args:
        city: its name in English.
        country: its name in English.
    """

    city: str = ""
    country: str = ""


def place_in(record: object) -> Place | None:
    """Reads the place out of a record in the layout of GeoIP2 City or Country; what is not there or malformed is left out.

    Args:
        record: what the database gave: of any shape, since the file is another party's.

    Returns:
        The place, or None if the record names neither a city nor a country.
    """
    if not isinstance(record, Mapping):
        return None
    place = Place(_name(record.get("city")), _name(record.get("country")) or _name(record.get("registered_country")))
    return place if place.city or place.country else None


def described(place: Place | None, network: str) -> str:
    """Gives "City, Country", or what is known of it; the network when nothing is.

    Args:
        place: of the network, or None.
        network: the address; an IPv6 address is shown as the network that a household has.
    """
    if place is None:
        return network_of(network) if network else "unknown"
    return ", ".join(word for word in (place.city, place.country) if word)


def _name(part: object) -> str:
    names = part.get("names") if isinstance(part, Mapping) else None
    name = names.get(LANGUAGE) if isinstance(names, Mapping) else None
    if not isinstance(name, str):
        return ""
    return "".join(sign for sign in name if sign.isprintable())[:NAME_LENGTH_MAX].strip()
