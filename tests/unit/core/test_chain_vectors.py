"""The bytes of the log, pinned."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tallystick.core.revocation.entry import GENESIS, Ending, Kind, Position, canonical, link, place
from tests.support.vectors import vectors

ENTRIES = vectors("chain")["entries"]


@pytest.mark.parametrize(("before", "entry"), list(pairwise([{"chain": GENESIS.hex()}, *ENTRIES])))
def test_an_entry_has_the_same_bytes_and_the_same_chain_hash_for_ever(
    before: dict[str, Any], entry: dict[str, Any]
) -> None:
    """A log written by an older release verifies under a newer one, entry by entry."""
    position, ending = Position(entry["epoch"], entry["seq"]), Ending(Kind(entry["kind"]), entry["name"])
    assert canonical(position, ending, entry["appended_at"]).hex() == entry["canonical"]
    previous = bytes.fromhex(before["chain"])
    assert link(previous, position, ending, entry["appended_at"]).hex() == entry["chain"]
    assert place(previous, position, ending, entry["appended_at"]).chain.hex() == entry["chain"]


def test_every_kind_of_ending_is_pinned() -> None:
    """No kind can change its number or its bytes unnoticed."""
    assert {entry["kind"] for entry in ENTRIES} == {kind.value for kind in Kind}
