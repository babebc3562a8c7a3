"""The form and the chain of the audit trail."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from tallystick.audit import GENESIS, AuditEntry, canonical, placed

ENTRY = AuditEntry(7, "session.opened", "a", "p", network="192.0.2.1", because="ü\n", facts=(("b", "2"), ("a", "1")))


def test_the_canonical_form_is_pinned() -> None:
    """The bytes that the chain covers never change: an old trail verifies for ever."""
    assert canonical(replace(ENTRY, seq=3)).decode() == (
        '{"actor":"a","at":7,"because":"ü\\n","facts":{"a":"1","b":"2"},"name":"session.opened",'
        '"network":"192.0.2.1","principal":"p","seq":3}'
    )
    assert canonical(AuditEntry(1, "x")) == b'{"at":1,"facts":{},"name":"x","seq":0}'


def test_an_entry_is_chained_to_the_one_before() -> None:
    """Its chain is the SHA-256 of the chain before and its canonical form, its place included."""
    first = placed(ENTRY, 1, GENESIS)
    assert first.chain == hashlib.sha256(GENESIS + canonical(first)).digest()
    assert placed(ENTRY, 2, first.chain).chain != placed(ENTRY, 2, GENESIS).chain
    assert placed(first, 1, GENESIS) == first


def test_a_lone_surrogate_breaks_nothing() -> None:
    """Text that is no UTF-8 is recorded as a question mark, not as an error."""
    assert b"?" in canonical(AuditEntry(1, "x", because="\ud800"))
