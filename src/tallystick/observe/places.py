"""Where networks are: a MaxMind DB file, read by `maxminddb` (the extra `geo`).

The file is the operator's: none is shipped, and nothing is ever asked over a network. It is mapped into memory and read
again when the process starts. A look-up that fails is an unknown place, never an error: a session list must not break
because of a database of places.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from tallystick.errors import Misconfigured
from tallystick.identity.place import Place, place_in

_REMEMBERED = 4096


class GeoPlaces:
    """Places of networks, from a file.

    Args:
        path: of a MaxMind DB in the layout of GeoIP2 City or Country.

    Raises:
        Misconfigured: it cannot be read, or `maxminddb` is not installed.
    """

    def __init__(self, path: Path) -> None:
        try:
            import maxminddb
        except ImportError:
            raise Misconfigured("geo_database needs 'maxminddb': pip install 'tallystick[geo]'") from None
        try:
            self._reader = maxminddb.open_database(path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise Misconfigured(f"geo_database {path} cannot be read: {error}") from None
        self._broken = (ValueError, TypeError, OSError, maxminddb.InvalidDatabaseError)
        self.place_of = lru_cache(maxsize=_REMEMBERED)(self._look_up)

    def _look_up(self, network: str) -> Place | None:
        try:
            return place_in(self._reader.get(network))
        except self._broken:
            return None
