"""What a client of the authority knows: every request that it sent and every answer that it got, in a file.

The file survives the end of the process that writes it, so that the next one can compare what was acknowledged with what
is there.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Ending = Literal["", "asked", "acknowledged"]


@dataclass(slots=True)
class Known:
    """What the client knows of one session.

    Args:
        session: its id.
        owner: the e-mail address of whose it is.
        kind: `app` or `browser`.
        secret: the newest refresh token or the cookie that was handed out.
        access: an access token of it, or the empty text.
        ending: whether its end was asked for, and acknowledged.
        judged: it was found ended after its end was acknowledged.
    """

    session: str
    owner: str
    kind: str
    secret: str
    access: str = ""
    ending: Ending = ""
    judged: bool = False


@dataclass(slots=True)
class Knowledge:
    """Everything that the journal says.

    Args:
        sessions: by id.
        unended: owner → those of their sessions whose end is not acknowledged, by id.
        clients: id → secret, of clients whose creation was acknowledged.
        confirmed: those of them that were found after a kill.
        successors: refresh token → the different successors that it ever gave.
    """

    sessions: dict[str, Known] = field(default_factory=dict)
    unended: dict[str, dict[str, Known]] = field(default_factory=dict)
    clients: dict[str, str] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)
    successors: dict[str, set[str]] = field(default_factory=dict)

    def learn(self, entry: dict[str, str]) -> None:
        """Folds one line of the journal."""
        match entry["did"]:
            case "opened":
                known = Known(entry["session"], entry["owner"], entry["kind"], entry["secret"], entry["access"])
                self.sessions[known.session] = known
                self.unended.setdefault(known.owner, {})[known.session] = known
            case "refreshed":
                self.successors.setdefault(entry["token"], set()).add(entry["secret"])
                known = self.sessions[entry["session"]]
                if known.secret == entry["token"]:
                    known.secret, known.access = entry["secret"], entry["access"]
            case "ending":
                for known in self._named(entry):
                    known.ending = known.ending or "asked"
            case "ended":
                for known in self._named(entry):
                    if known.ending:
                        known.ending = "acknowledged"
                        del self.unended[known.owner][known.session]
            case "registered":
                self.clients[entry["client"]] = entry["secret"]
            case "judged" if "client" in entry:
                self.confirmed.add(entry["client"])
            case "judged":
                self.sessions[entry["session"]].judged = True
            case did:
                raise ValueError(f"the journal says {did!r}")

    def _named(self, entry: dict[str, str]) -> list[Known]:
        """Gives the sessions that an entry names, by id or owner, whose end is not acknowledged."""
        if "owner" in entry:
            return list(self.unended.get(entry["owner"], {}).values())
        known = self.sessions[entry["session"]]
        return [known] if known.ending != "acknowledged" else []

    def live(self, owner: str, kind: str = "") -> list[Known]:
        """Gives the sessions of somebody whose end nobody has asked for."""
        return [
            known for known in self.unended.get(owner, {}).values() if not known.ending and kind in ("", known.kind)
        ]


class Journal:
    """The file, and what it says.

    Args:
        path: where it lies; it is read when it exists.
    """

    def __init__(self, path: Path) -> None:
        self.knowledge = Knowledge()
        if path.exists():
            for line in path.read_text().splitlines():
                self.knowledge.learn(json.loads(line))
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, did: str, **facts: str) -> None:
        """Writes a line, in one system call, and folds it."""
        entry = {"did": did, **facts}
        os.write(self._file, json.dumps(entry).encode() + b"\n")
        self.knowledge.learn(entry)

    def close(self) -> None:
        """Closes the file."""
        os.close(self._file)
