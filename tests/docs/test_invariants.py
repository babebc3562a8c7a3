"""The guarantees have the same names everywhere."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

NAMES = [
    "OneRoot",
    "Everywhere",
    "Bounded",
    "FailClosed",
    "NothingResurrects",
    "MintedBefore",
    "OneWinner",
    "PersistThenHandOut",
    "NoSecretAtRest",
    "TransientIsNotTerminal",
    "KeysRotateQuietly",
    "LogOnlyGrows",
    "VerifiersConverge",
]


def test_the_invariants_are_these() -> None:
    """`spec/invariants.md` has one heading for each guarantee and for each invariant of the log, in this order."""
    text = (ROOT / "spec" / "invariants.md").read_text()
    assert re.findall(r"^### (\w+)$", text, re.MULTILINE) == NAMES
