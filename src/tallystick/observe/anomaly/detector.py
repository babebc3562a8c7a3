"""Puts the rules together: takes what happens, gives what is unusual. Bounded memory, no I/O, the clock as an argument."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tallystick.observe.anomaly.alarm import Alarms
from tallystick.observe.anomaly.evidence import Evidence
from tallystick.observe.anomaly.networks import Networks
from tallystick.observe.anomaly.share import SERIES as SHARE_SERIES
from tallystick.observe.anomaly.share import Share
from tallystick.observe.anomaly.stuffing import Stuffing
from tallystick.observe.anomaly.volume import REUSE, SIGN_INS, THROTTLED, Volume


class Detector:
    """What one process has seen."""

    def __init__(self) -> None:
        self._alarms = Alarms()
        self._share, self._stuffing, self._networks = Share(), Stuffing(), Networks()
        self._sign_ins, self._throttled, self._reuse = Volume(SIGN_INS), Volume(THROTTLED), Volume(REUSE)

    def right(self, account: str, network: str, now: int) -> list[Evidence]:
        """Takes a proof of identity that was right.

        Args:
            account: whose; any stable name.
            network: where it came from, as a network rather than an address.
            now: the instant, seconds.
        """
        self._share.take(now, wrong=False, learns=self._learns(SHARE_SERIES))
        self._stuffing.take(account, network, now, wrong=False)
        flood = self._sign_ins.take(now, learns=self._learns(SIGN_INS.series))
        new = self._networks.signed_in(account, network, now)
        return list(self._raised([flood] if new is None else [flood, new], now))

    def wrong(self, account: str, network: str, now: int) -> list[Evidence]:
        """Takes a proof that was wrong; arguments as for `right`."""
        self._networks.failed(account, now)
        share = self._share.take(now, wrong=True, learns=self._learns(SHARE_SERIES))
        stuffed = self._stuffing.take(account, network, now, wrong=True)
        worse = max((share, self._share.crept()), key=lambda one: one.observed / one.threshold)
        return list(self._raised([worse, *stuffed], now))

    def throttled(self, now: int) -> list[Evidence]:
        """Takes an attempt that had to wait."""
        return list(self._raised([self._throttled.take(now, learns=self._learns(THROTTLED.series))], now))

    def reused(self, now: int) -> list[Evidence]:
        """Takes a refresh token that came back after it was traded."""
        return list(self._raised([self._reuse.take(now, learns=self._learns(REUSE.series))], now))

    def _learns(self, series: str) -> bool:
        return not self._alarms.on(series, "all")

    def _raised(self, found: Iterable[Evidence], now: int) -> Iterator[Evidence]:
        for one in found:
            if self._alarms.look(one.series, one.about, one.observed, one.threshold, now):
                yield one
