"""A trail with one altered, removed, inserted, doubled or moved line is not good."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallystick.audit import GENESIS, AuditEntry, placed
from tallystick.audit.check import UNPROVED_MAX_S, Broken, Good, verify_entries, verify_lines
from tallystick.audit.lines import CHECKPOINT, Closing, checkpoint_facts, closing_line, line_of
from tests.unit.audit.trails import SEALER, STRANGER, Trail, a_trail, export

LINES = export(a_trail().entries)
WITH_OR_WITHOUT_KEY = pytest.mark.parametrize("is_mac", [None, SEALER.is_mac], ids=["no key", "key"])


def test_a_whole_export_is_good() -> None:
    """What was written is good, and every proof of the root key in it holds."""
    trail = a_trail()
    assert verify_lines(LINES, SEALER.is_mac) == Good(8, 8, trail.entries[-1].chain, 3, 8)
    assert verify_lines(LINES) == Good(8, 8, trail.entries[-1].chain, 0, 0)


def test_an_empty_trail_is_good() -> None:
    """Before anything was done there is nothing to find fault with."""
    assert verify_lines(export([]), SEALER.is_mac) == Good(0, 0, GENESIS, 1, 0)
    assert verify_entries([], (0, GENESIS)) == Good(0, 0, GENESIS, 0, 0)


@WITH_OR_WITHOUT_KEY
@pytest.mark.parametrize("at", range(len(LINES)))
def test_a_removed_line_is_found(at: int, is_mac: object) -> None:
    """No line can be taken away, neither the first nor the last; the answer names the place."""
    found = verify_lines(LINES[:at] + LINES[at + 1 :], is_mac)  # type: ignore[arg-type]
    assert isinstance(found, Broken)
    assert found.line == at + 1 if at != 7 else found.line == 8


@WITH_OR_WITHOUT_KEY
@pytest.mark.parametrize("at", range(len(LINES)))
def test_a_doubled_line_is_found(at: int, is_mac: object) -> None:
    """No line can be there twice."""
    found = verify_lines([*LINES[: at + 1], *LINES[at:]], is_mac)  # type: ignore[arg-type]
    assert isinstance(found, Broken)
    assert found.line == at + 2


@WITH_OR_WITHOUT_KEY
@pytest.mark.parametrize("at", range(len(LINES) - 1))
def test_two_lines_that_changed_places_are_found(at: int, is_mac: object) -> None:
    """No line can be moved."""
    moved = [*LINES[:at], LINES[at + 1], LINES[at], *LINES[at + 2 :]]
    assert isinstance(verify_lines(moved, is_mac), Broken)  # type: ignore[arg-type]


@pytest.mark.parametrize("at", range(len(LINES)))
def test_every_altered_character_is_found(at: int) -> None:
    """No character of a line can be another one, nor be missing, and the answer names the line or the next."""
    line = LINES[at]
    for place in range(len(line)):
        for other in (
            line[:place] + ("x" if line[place] != "x" else "y") + line[place + 1 :],
            line[:place] + line[place + 1 :],
        ):
            found = verify_lines([*LINES[:at], other, *LINES[at + 1 :]], SEALER.is_mac)
            assert isinstance(found, Broken), other
            assert found.line in (1, at + 1), other


def test_an_inserted_line_is_found() -> None:
    """An entry that nobody recorded does not fit between two others, nor after the closing line."""
    trail = a_trail()
    forged = placed(AuditEntry(1003, "session.ended", actor="nobody"), 4, trail.entries[2].chain)
    found = verify_lines([*LINES[:3], line_of(forged), *LINES[3:]])
    assert isinstance(found, Broken)
    assert found.line == 5
    assert verify_lines([*LINES, ""]) == Broken(10, "it is not as it was written")
    assert verify_lines([*LINES, LINES[0]]) == Broken(10, "there is something after the closing line")


@pytest.mark.parametrize("change", [{"actor": "bob"}, {"at": 7}, {"because": "x"}, {"facts": ()}, {"network": "::1"}])
def test_a_forged_entry_with_its_old_chain_is_found(change: dict[str, object]) -> None:
    """Each field is covered by the chain."""
    trail = a_trail()
    trail.entries[2] = replace(trail.entries[2], **change)  # type: ignore[arg-type]
    found = verify_entries(trail.entries, trail.head)
    assert found == Broken(3, "it was altered: its chain is not the chain of what it says")


def test_a_past_that_was_written_anew_is_found_with_the_root_key() -> None:
    """Whoever has only the database can make the chain anew, but not its proofs."""
    trail = Trail()
    for entry in a_trail().entries:
        changed = replace(entry, actor="somebody else") if entry.seq == 2 else entry
        trail.entries.append(placed(changed, entry.seq, trail.head[1]))
    assert isinstance(verify_entries(trail.entries, trail.head), Broken)
    unproved = Trail()
    for entry in a_trail().entries:
        if entry.name != CHECKPOINT:
            unproved.add(after_s=UNPROVED_MAX_S // 3)
    assert isinstance(verify_entries(unproved.entries, unproved.head), Good)
    found = verify_entries(unproved.entries, unproved.head, SEALER.is_mac)
    assert isinstance(found, Broken)
    assert found.line == 1
    assert "no proof" in found.why


def test_the_proof_of_another_root_key_is_none() -> None:
    """A proof that somebody made with a key of their own is found, in a checkpoint and in the closing line."""
    trail = Trail()
    trail.add()
    trail.prove(sealer=STRANGER)
    found = verify_entries(trail.entries, trail.head, SEALER.is_mac)
    assert found == Broken(2, "its proof is not one of this root key")
    assert verify_lines(LINES, STRANGER.is_mac) == Broken(5, "its proof is not one of this root key")
    bare = Trail()
    bare.add()
    forged = closing_line(Closing(0, GENESIS, *bare.head, STRANGER.mac("audit-export", b"")))
    assert verify_lines([line_of(bare.entries[0]), forged], SEALER.is_mac) == Broken(
        2, "its proof is not one of this root key"
    )


def test_a_proof_of_another_chain_is_found() -> None:
    """A checkpoint must be about what is there, and about what is before it."""
    for seq in (1, 2, 3):
        trail = Trail()
        trail.add()
        trail.add(CHECKPOINT, facts=checkpoint_facts(seq, bytes(32), bytes(33)))
        found = verify_entries(trail.entries, trail.head)
        assert found == Broken(2, f"it proves another chain than the one at place {seq}")
    trail = Trail()
    trail.add(CHECKPOINT, facts=(("seq", "x"),))
    assert verify_entries(trail.entries, trail.head) == Broken(1, "its proof is malformed")


def test_a_quiet_time_needs_no_proof() -> None:
    """After a checkpoint nothing may happen for days; and two processes may prove at the same time."""
    trail = a_trail()
    trail.prove(7)
    trail.add(after_s=10 * UNPROVED_MAX_S)
    assert isinstance(verify_entries(trail.entries, trail.head, SEALER.is_mac), Good)


def test_what_was_written_beside_a_proof_waits_for_the_next_one() -> None:
    """An entry between the place that is proved and the proof is not proved by it."""
    trail = Trail()
    trail.add()
    trail.add()
    trail.prove(1)
    found = verify_entries(trail.entries, trail.head, SEALER.is_mac)
    assert isinstance(found, Good)
    assert found.proved == 1
    trail.add(after_s=2 * UNPROVED_MAX_S)
    found = verify_entries(trail.entries, trail.head, SEALER.is_mac)
    assert found == Broken(2, "no proof under the root key covers it, long after it was written")


def test_the_head_of_the_store_must_be_the_last_entry() -> None:
    """The last entries cannot be taken out of the database while its head stays; nor the head be taken back."""
    trail = a_trail()
    found = verify_entries(trail.entries[:-1], trail.head)
    assert found == Broken(8, "the trail ends at 7, where its head says 8")
    assert isinstance(verify_entries(trail.entries, (7, trail.entries[6].chain)), Broken)
    assert isinstance(verify_entries(trail.entries, (8, bytes(32))), Broken)


@WITH_OR_WITHOUT_KEY
def test_a_swept_trail_is_good(is_mac: object) -> None:
    """After old entries were removed, the proof of the sweep says where the rest begins."""
    trail = a_trail()
    trail.sweep(4)
    found = verify_entries(trail.entries, trail.head, is_mac)  # type: ignore[arg-type]
    assert isinstance(found, Good)
    assert found.entries == 5


def test_old_entries_that_nobody_swept_are_missed() -> None:
    """Old entries cannot be removed without the proof of a sweep, and no further than it says."""
    trail = a_trail()
    missing = verify_entries(trail.entries[3:], trail.head, SEALER.is_mac)
    assert missing == Broken(1, "the entries before place 4 are missing")
    trail.sweep(4)
    missing = verify_entries(trail.entries[1:], trail.head, SEALER.is_mac)
    assert missing == Broken(1, "the entries before place 6 are missing")
    trail.entries[0] = replace(trail.entries[0], actor="bob")
    altered = verify_entries(trail.entries, trail.head, SEALER.is_mac)
    assert altered == Broken(1, "it was altered: its chain is not the chain of what it says")


def test_an_export_of_the_newest_part_is_good() -> None:
    """An export may begin after a place; its closing line says which, and what the chain was there."""
    trail = a_trail()
    part = export(trail.entries[3:], after=3, before=trail.entries[2].chain)
    found = verify_lines(part, SEALER.is_mac)
    assert isinstance(found, Good)
    assert (found.entries, found.last) == (5, 8)
    assert isinstance(verify_lines(part[1:], SEALER.is_mac), Broken)
    assert verify_lines(export([], after=8, before=trail.head[1])) == Good(0, 8, trail.head[1], 0, 0)
    assert verify_lines(part[-1:]) == Broken(1, "it says that the last place is 8; before it is 3")


def test_the_closing_line_cannot_be_bent() -> None:
    """It must name the first and the last place, and the chains at both."""
    trail = a_trail()
    chain = trail.head[1]
    for closing in (
        Closing(0, GENESIS, 7, chain),
        Closing(0, GENESIS, 8, bytes(32)),
        Closing(0, bytes([1] * 32), 8, chain),
        Closing(1, GENESIS, 8, chain),
    ):
        assert isinstance(verify_lines([*LINES[:-1], closing_line(closing)]), Broken)


def test_a_known_place_may_be_the_start() -> None:
    """Whoever has checked up to a place goes on from there."""
    trail = a_trail()
    start = (5, trail.entries[4].chain)
    assert isinstance(verify_entries(trail.entries[5:], trail.head, SEALER.is_mac, start), Good)
    assert isinstance(verify_entries(trail.entries[5:], trail.head, SEALER.is_mac, (5, bytes(32))), Broken)


def test_a_very_long_stretch_is_checked_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest places are remembered; a proof of one that is forgotten counts by itself."""
    monkeypatch.setattr("tallystick.audit.check._REMEMBERED", 3)
    trail = Trail()
    for _ in range(6):
        trail.add()
    trail.prove(1)
    found = verify_entries(trail.entries, trail.head, SEALER.is_mac)
    assert isinstance(found, Good)
    assert found.proved == 1
