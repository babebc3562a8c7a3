"""A line of an export is written in one way, stays one line, and is read back as it was."""

from __future__ import annotations

import json

import pytest

from tallystick.audit import AuditEntry, placed
from tallystick.audit.acts import RECORDED, RECORDED_APART, ROUTINE, entry_of, sentence_of
from tallystick.audit.entry import GENESIS
from tallystick.audit.lines import CHECKPOINT, Closing, checkpoint_facts, closing_line, line_of, proof_in, read_line
from tests.unit.audit.trails import NASTY

ENTRY = placed(
    AuditEntry(1000, "session.ended", NASTY, NASTY, NASTY, NASTY, NASTY, NASTY, NASTY, ((NASTY, "a"), ("b", NASTY))),
    7,
    GENESIS,
)
CLOSING = Closing(1, GENESIS, 7, ENTRY.chain, b"\x01mac")


def test_whatever_is_in_it_an_entry_is_one_printable_line() -> None:
    """Line ends, control characters and separators of Unicode in any field cannot end, colour or forge a line."""
    line = line_of(ENTRY)
    assert line.isascii()
    assert line.isprintable()
    assert len(line.splitlines()) == 1


def test_a_line_is_read_as_it_was_written() -> None:
    """What an export says is what was recorded."""
    assert read_line(line_of(ENTRY)) == ENTRY
    assert read_line(closing_line(CLOSING)) == CLOSING


@pytest.mark.parametrize(
    "line",
    [
        "",
        "null",
        "[]",
        "{",
        "[" * 100_000,
        line_of(ENTRY) + " ",
        line_of(ENTRY).replace(":7,", ": 7,", 1),
        line_of(ENTRY).replace(":7,", ":7.0,", 1),
        line_of(ENTRY).replace(":7,", ":true,", 1),
        line_of(ENTRY).replace(":7,", ":-7,", 1),
        line_of(ENTRY).replace(":7,", ":99999999999999999999,", 1),
        line_of(ENTRY).replace('"name":"session.ended"', '"name":5', 1),
        line_of(ENTRY).replace('"name":', '"nome":', 1),
        line_of(ENTRY).replace('"facts":{', '"facts":{"c":null,', 1),
        line_of(ENTRY).upper(),
        json.dumps({**json.loads(line_of(ENTRY)), "facts": []}, separators=(",", ":")),
        json.dumps({**json.loads(line_of(ENTRY)), "chain": "xy"}, separators=(",", ":")),
        json.dumps({**json.loads(line_of(ENTRY)), "chain": 3}, separators=(",", ":")),
        json.dumps({"closing": []}),
        json.dumps({"closing": {"after": 1}}),
        closing_line(CLOSING).replace('"after":1', '"after":"1"'),
        closing_line(CLOSING).replace('"mac":"', '"mac":"x'),
        closing_line(CLOSING) + "\r",
    ],
)
def test_what_is_not_written_like_that_is_no_line(line: str) -> None:
    """A line that differs in a blank, a type or a name is not taken."""
    assert read_line(line) is None


def test_a_proof_is_read_from_the_entries_that_carry_one() -> None:
    """A checkpoint names a place, the chain at it, and the proof; anything else is none."""
    facts = checkpoint_facts(7, ENTRY.chain, b"\x01mac")
    assert proof_in(AuditEntry(1, CHECKPOINT, facts=facts)) == (7, ENTRY.chain, b"\x01mac")
    assert proof_in(AuditEntry(1, "session.opened", facts=facts)) is None
    for wrong in (
        (),
        checkpoint_facts(7, b"short", b"mac"),
        checkpoint_facts(2**63, ENTRY.chain, b"mac"),
        (("chain", ENTRY.chain.hex()), ("mac", "xy"), ("seq", "7")),
        (("chain", "xy"), ("mac", ""), ("seq", "7")),
    ):
        assert proof_in(AuditEntry(1, CHECKPOINT, facts=wrong)) is None


def test_an_act_has_one_place_in_the_tables() -> None:
    """Each event is recorded with its commit, recorded apart, or routine; never two of these."""
    assert not set(RECORDED) & set(RECORDED_APART)
    assert not (set(RECORDED) | set(RECORDED_APART)) & set(ROUTINE)
    assert all(sentence.endswith(".") for sentence in (*RECORDED.values(), *RECORDED_APART.values()))
    assert sentence_of("session.opened") == "A session was opened."
    assert sentence_of("job.failed") == "A job in the background failed."
    assert sentence_of("of.another.version") == "of.another.version"


def test_who_did_it_is_the_principal_itself_unless_somebody_else_is_named() -> None:
    """An administrator is named; a person who acts for themselves is; a guesser is not taken for the owner."""
    assert entry_of("password.changed", (), at=1, principal="ada").actor == "ada"
    assert entry_of("password.changed", (), at=1, principal="ada", actor="root").actor == "root"
    assert entry_of("authentication.failed", (("network", "::1"),), at=1, principal="ada").actor == ""
    assert entry_of("authentication.failed", (("network", "::1"),), at=1, principal="ada").network == "::1"
    assert entry_of("session.opened", (("client", "app"),), at=1, session="s").actor == "client:app"
    assert entry_of("keys.advanced", (), at=1).actor == ""


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("principal", "principal"),
        ("outdated_principal", "principal"),
        ("client", "client"),
        ("outdated_session", "session"),
    ],
)
def test_a_cut_is_recorded_with_its_target(kind: str, field: str) -> None:
    """What a cut covers stands where a search looks for it."""
    entry = entry_of("cut.made", (("kind", kind), ("name", "x")), at=1)
    assert getattr(entry, field) == "x"
    assert dict(entry.facts) == {"kind": kind, "name": "x"}
    other = entry_of("cut.made", (("kind", "key"), ("name", "x")), at=1)
    assert (other.principal, other.client, other.session) == ("", "", "")
