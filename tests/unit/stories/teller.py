"""Tells stories: each sentence asks the real rules for something, and the answer is said in the words of the story.

A story is a text file: `# …` is for the reader, everything else is `sentence -> answer`. Things have names: sessions S1,
S2, … in the order of their opening; cookies C1, C2, …; access tokens A1, A2, …; S2.3 is the refresh token of generation 3
of S2. What the sentences are stands beside the methods below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tallystick.core.credentials.refresh_token import derive_refresh_token, parse_refresh_token
from tallystick.core.credentials.view import SessionView
from tallystick.core.ids import BROWSER_CLIENT, PrincipalId, SessionId
from tallystick.core.policy import DEFAULT, Policy
from tallystick.core.revocation.entry import EVERYTHING, Ending, Kind, Position
from tallystick.core.revocation.index import RevocationIndex, Verdict, fold
from tallystick.core.secret import Digest
from tallystick.core.session import decide
from tallystick.core.session.decision import Append, Change, Decision, Delivery, Outcome
from tallystick.core.session.model import AppHolder, Authentication, BrowserHolder, Session
from tallystick.core.session.opening import AppGrant, Birth, open_app, open_browser, open_from, open_service
from tallystick.core.session.standing import Standing, is_fresh, level_of_cookie
from tests.unit.stories.books import CLIENTS, PEOPLE, PERMISSIONS, Books

START = 1_700_000_000
MASTER = {1: bytes(range(32))}
REFUSALS = {
    Outcome.ENDED: "session.ended",
    Outcome.EXPIRED: "credential.expired",
    Outcome.REFUSED: "refused",
}
VERDICTS = {
    Verdict.ENDED: "session.ended",
    Verdict.OUTDATED: "credential.outdated",
    Verdict.KEY_REVOKED: "credential.key_unknown",
}
SENTENCES: list[tuple[re.Pattern[str], Callable[..., str]]] = []


def sentence(pattern: str) -> Callable[[Callable[..., str]], Callable[..., str]]:
    """Makes a method the answer to sentences of a form."""

    def learned(answer: Callable[..., str]) -> Callable[..., str]:
        SENTENCES.append((re.compile(pattern), answer))
        return answer

    return learned


@dataclass
class Presented:
    """A credential of the story with its name and its session."""

    text: str
    session: SessionId


class Teller:
    """The world of one story."""

    def __init__(self, policy: Policy = DEFAULT) -> None:
        self.policy = policy
        self.now = START
        self.books = Books()
        self.sessions: list[SessionId] = []
        self.cookies: list[Presented] = []
        self.access: list[SessionView] = []
        self.refresh: dict[str, str] = {}
        self.births: dict[str, Position] = {}
        self.heard: RevocationIndex = RevocationIndex()
        self.drawn = 0

    def say(self, text: str) -> str:
        """Does what a sentence says and gives the answer."""
        for pattern, answer in SENTENCES:
            if found := pattern.fullmatch(text):
                return answer(self, **{key: value or "" for key, value in found.groupdict().items()})
        raise ValueError(f"no sentence of a story: {text!r}")

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────

    @sentence(r"(?P<who>ada|bob) signs in( with (?P<cookie>C\d+))?(?P<kept> and stays)?")
    def sign_in(self, who: str, cookie: str, kept: str) -> str:
        """A browser signs in; with a cookie, one that carries the cookie of a session that may be there."""
        present = self.books.by_cookie(Digest.of(self.cookie(cookie).text)) if cookie else None
        if present is not None and self.books.standing(present.id).live(self.now):
            if present.principal == PEOPLE[who]:
                return self.step_up(cookie, again=True)
        else:
            present = None
        birth = self.birth(PEOPLE[who], self.books.head)
        return self.done(
            open_browser(birth, self.proof("pwd"), self.draw(32), self.policy, kept=bool(kept), replaces=present)
        )

    @sentence(r"(?P<who>ada|bob) begins to sign in")
    def begin(self, who: str) -> str:
        """A sign-in reads the log and then the account; it is slow to finish."""
        self.births[who] = self.books.head
        return f"reads at {self.books.head.text()}"

    @sentence(r"(?P<who>ada|bob) finishes the sign-in")
    def finish(self, who: str) -> str:
        """A sign-in that has begun opens its session, if nothing has come between."""
        born = self.births.pop(who)
        decision = open_browser(self.birth(PEOPLE[who], born), self.proof("pwd"), self.draw(32), self.policy)
        return self.done(decision)

    @sentence(r"(?P<cookie>C\d+) steps up")
    def step_up(self, cookie: str, *, again: bool = False) -> str:
        """One more authentication."""
        standing, digest = self.by(cookie)
        clocks = self.policy.browser if again else None
        proof = self.proof("pwd" if again else "hwk")
        return self.done(decide.step_up(standing, digest, proof, self.draw(32), self.policy, self.now, clocks=clocks))

    @sentence(r"(?P<cookie>C\d+) is presented")
    def present_cookie(self, cookie: str) -> str:
        """What the authority says of a cookie, and what it stands for."""
        standing, digest = self.by(cookie)
        live = standing.live(self.now)
        level = level_of_cookie(live, digest, self.now) if live is not None else None
        if live is None or level is None:
            return REFUSALS[decide.mint(standing, self.now).outcome] if live is None else "credential.expired"
        fresh = "fresh" if is_fresh(level, self.now, self.policy) else "not fresh"
        return f"good: {self.name(live.id)}, level {len(level)}, {fresh}"

    @sentence(r"(?P<cookie>C\d+) signs out")
    def sign_out(self, cookie: str) -> str:
        """The session of a cookie ends."""
        return self.done(decide.revoke(self.cookie(cookie).session, "signed out"))

    @sentence(r"(?P<cookie>C\d+) (?P<what>ends all but itself|changes the password)")
    def end_all_but(self, cookie: str, what: str) -> str:
        """Every session of the person ends but the one that asks."""
        standing, digest = self.by(cookie)
        live = standing.live(self.now)
        level = level_of_cookie(live, digest, self.now) if live is not None else None
        if live is None or level is None:
            return "session.ended"
        if what == "ends all but itself" and not is_fresh(level, self.now, self.policy):
            return "authentication.too_old"
        decision = decide.end_all_but(standing, live.principal, self.draw(32), self.now, level=level)
        self.books = replace(self.books, password=self.books.password + (what == "changes the password"))
        return self.done(decision)

    # ── apps and services ────────────────────────────────────────────────────────────────────────────────────────

    @sentence(r"(?P<app>notes|maps) opens from (?P<cookie>C\d+)(?P<offline> for offline access)?")
    def open_from(self, app: str, cookie: str, offline: str) -> str:
        """A client gets a session of its own from a browser's."""
        standing, digest = self.by(cookie)
        person = standing.session.principal if standing.session else PEOPLE["ada"]
        level = level_of_cookie(standing.session, digest, self.now) if standing.session else None
        if standing.live(self.now) and level is None:
            return "session.ended"
        opened = [row for row in self.books.sessions if standing.session and row.opened_from == standing.session.id]
        decision = open_from(
            standing, self.birth(person, self.books.head), AppGrant(CLIENTS[app], PERMISSIONS, (), 1), level or (),
            self.policy, bound=not offline, opened=[row for row in opened if row.ended is None],
        )  # fmt: skip
        return self.done(decision, tal=standing.position)

    @sentence(r"(?P<app>notes|maps) signs (?P<who>ada|bob) in")
    def sign_in_app(self, app: str, who: str) -> str:
        """A first-party app signs a person in by itself."""
        birth = self.birth(PEOPLE[who], self.books.head)
        return self.done(open_app(birth, AppGrant(CLIENTS[app], PERMISSIONS, (), 1), self.proof("pwd"), self.policy))

    @sentence(r"(?P<token>S\d+\.\d+) is (traded|presented)( by (?P<app>notes|maps))?")
    def trade(self, token: str, app: str) -> str:
        """A refresh token is presented by its own client, or by another."""
        presented = parse_refresh_token(self.refresh[token], MASTER)
        assert presented is not None
        standing = self.books.standing(presented.session)
        holder = standing.session.holder if standing.session else None
        assert isinstance(holder, AppHolder)
        client = CLIENTS[app] if app else holder.client
        decision = decide.refresh(standing, presented, client, 1, self.policy, self.now)
        if decision.outcome is Outcome.REFUSED:
            return "refresh.wrong_client"
        said = self.done(decision)
        if decision.to_deliver is not None and standing.session is not None:
            self.use(standing.session)
        return f"refresh.reused; {said}" if decision.outcome is Outcome.REUSED else said

    @sentence(r"(?P<cookie>C\d+) mints")
    def mint(self, cookie: str) -> str:
        """An access token from a cookie."""
        standing, _ = self.by(cookie)
        return self.done(decide.mint(standing, self.now))

    @sentence(r"export asks for a token")
    def mint_service(self) -> str:
        """A service gets an access token from its one long session."""
        client = CLIENTS["export"]
        row = self.books.service_session(client)
        if row is not None and self.books.standing(row.id).live(self.now):
            return self.done(decide.mint(self.books.standing(row.id), self.now))
        if client in self.books.disabled:
            return "oauth.invalid_client"
        birth = self.birth(PrincipalId(client), self.books.head)
        return self.done(open_service(birth, client, frozenset({"notes:read"}), (), self.policy))

    @sentence(r"(?P<token>A\d+) is presented")
    def present_access(self, token: str) -> str:
        """What a verifier says of an access token, from what it has heard."""
        view = self.access[int(token[1:]) - 1]
        if self.now >= view.expires_at + self.policy.staleness.leeway:
            return "credential.expired"
        verdict = self.heard.covers(view)
        return VERDICTS[verdict] if verdict else f"good: {self.name(view.id)}, {' '.join(sorted(view.scopes)) or '-'}"

    # ── operators, time, verifiers ───────────────────────────────────────────────────────────────────────────────

    @sentence(r"(?P<session>S\d+) is revoked(?P<offline> with what is offline)?")
    def revoke(self, session: str, offline: str) -> str:
        """An administrator ends a session."""
        return self.done(decide.revoke(self.sessions[int(session[1:]) - 1], "revoked", offline=bool(offline)))

    @sentence(r"(?P<what>ada|bob|notes|maps|export|everything) is (?P<how>cut|disabled)")
    def cut(self, what: str, how: str) -> str:
        """All sessions of a person, of a client, or of everybody end."""
        ending = EVERYTHING
        if what in PEOPLE:
            ending = Ending(Kind.PRINCIPAL, PEOPLE[what])
        elif what in CLIENTS:
            ending = Ending(Kind.CLIENT, CLIENTS[what])
        if how == "disabled":
            self.books = replace(self.books, disabled=self.books.disabled | {ending.name})
        return self.done(decide.cut(ending))

    @sentence(r"(?P<scope>notes:\w+) is (?P<how>withdrawn from|granted to) (?P<who>ada|bob)")
    def permit(self, scope: str, how: str, who: str) -> str:
        """A permission changes; every credential of the person looks again."""
        held = self.books.permissions[PEOPLE[who]]
        self.books = self.books.permit(PEOPLE[who], held - {scope} if how == "withdrawn from" else held | {scope})
        return self.done(Decision(Outcome.ALLOWED, (Append(Ending(Kind.OUTDATED_PRINCIPAL, PEOPLE[who])),)))

    @sentence(r"(?P<count>\d+) (?P<unit>second|minute|hour|day)s? pass(es)?")
    def wait(self, count: str, unit: str) -> str:
        """Time goes on."""
        self.now += int(count) * {"second": 1, "minute": 60, "hour": 3600, "day": 86400}[unit]
        return ""

    @sentence(r"the verifier reads the log")
    def read(self) -> str:
        """The verifier applies everything that is in the log."""
        self.heard = fold(self.books.entries(self.now))
        return f"up to {self.books.head.text()}"

    # ── what the methods share ───────────────────────────────────────────────────────────────────────────────────

    def draw(self, count: int) -> bytes:
        """Draws bytes that never come twice."""
        self.drawn += 1
        return self.drawn.to_bytes(count, "big")

    def proof(self, method: str) -> Authentication:
        """Gives an authentication of this moment."""
        return Authentication(self.now, (method,), "urn:tallystick:password")

    def birth(self, person: PrincipalId, born: Position) -> Birth:
        """Gives a birth of this moment."""
        return Birth(SessionId.of(self.draw(16)), person, born, self.now)

    def cookie(self, name: str) -> Presented:
        """Gives a cookie by its name."""
        return self.cookies[int(name[1:]) - 1]

    def by(self, cookie: str) -> tuple[Standing, Digest]:
        """Reads the session that a cookie presents."""
        digest = Digest.of(self.cookie(cookie).text)
        row = self.books.by_cookie(digest)
        return self.books.standing(row.id if row else SessionId("")), digest

    def name(self, session: SessionId) -> str:
        """Gives the name that a session has in the story."""
        return f"S{self.sessions.index(session) + 1}"

    def use(self, session: Session) -> None:
        """Moves the idle clock that a refresh moves."""
        opener = self.books.session(session.opened_from) if session.opened_from else None
        owner, at = decide.used_at(session, opener, self.now)
        row = self.books.session(owner)
        assert row is not None
        self.books = self.books.put(row.used(at))  # type: ignore[assignment]

    def commit(self, changes: Sequence[Change]) -> str | None:
        """Commits and says what went into the log and which sessions ended; None for a conflict."""
        before, after = self.books, self.books.commit(changes, self.now)
        if after is None:
            return None
        assert isinstance(after, Books)
        self.books = after
        alive = {row.id for row in before.sessions if row.ended is None}
        gone = [self.name(row.id) for row in after.sessions if row.ended is not None and row.id in alive]
        words = [f"{' and '.join(sorted(gone))} ended"] if gone else []
        grown = len(after.log) - len(before.log)
        return "; ".join([*words, f"log +{grown}"] if grown else words)

    def done(self, decision: Decision, tal: Position | None = None) -> str:
        """Commits a decision and says what came of it; what may leave leaves only now."""
        if decision.outcome in REFUSALS:
            assert decision.changes == ()
            return REFUSALS[decision.outcome]
        position = tal or self.books.head
        said = self.commit(decision.changes)
        if said is None:
            return "conflict"
        handed = self.hand_out(decision.to_deliver, position) if decision.to_deliver else ""
        return "; ".join(part for part in (handed, said) if part)

    def hand_out(self, delivery: Delivery, tal: Position) -> str:
        """Says what leaves: a new session, a cookie, a refresh token, an access token."""
        session, words = delivery.session, []
        if session.id not in self.sessions:
            self.sessions.append(session.id)
            opener = f" opened from {self.name(session.opened_from)}" if session.opened_from else ""
            words.append(f"session {self.name(session.id)}{opener}")
        if delivery.cookie is not None:
            assert isinstance(session.holder, BrowserHolder)
            self.cookies.append(Presented(delivery.cookie.reveal(), session.id))
            words.append(f"cookie C{len(self.cookies)}")
        if delivery.refresh_generation is not None:
            words.append(self.hand_out_refresh(session, delivery.refresh_generation, delivery.refresh_version))
        if delivery.access:
            words.append(self.hand_out_access(session, tal))
        return ", ".join(words)

    def hand_out_refresh(self, session: Session, generation: int, version: int) -> str:
        """Derives a refresh token; one that was handed out before must be the identical one."""
        name = f"{self.name(session.id)}.{generation}"
        text = derive_refresh_token(MASTER[version], session.id, generation).reveal()
        again = self.refresh.get(name)
        assert again in (None, text), "a second, different successor of one generation"
        self.refresh[name] = text
        return f"the identical {name}" if again else f"refresh {name}"

    def hand_out_access(self, session: Session, tal: Position) -> str:
        """Mints an access token."""
        standing = self.books.standing(session.id)
        expires_at = min(self.now + self.policy.access_token_lifetime, standing.ends_at())
        self.access.append(
            SessionView(
                id=session.id, principal=session.principal, client=session.client or BROWSER_CLIENT,
                scopes=standing.scopes(), tal=tal, credential="access_token", expires_at=expires_at,
            )
        )  # fmt: skip
        return f"access A{len(self.access)}"


@dataclass
class Line:
    """One line of a story.

    Args:
        text: as it stands in the file.
        sentence: what is said; empty for a remark.
        answer: what must come of it.
    """

    text: str
    sentence: str = ""
    answer: str = ""


def parse(story: str) -> list[Line]:
    """Reads the lines of a story; raises ValueError where one is no sentence with an answer."""
    lines = []
    for text in story.splitlines():
        if not text.strip() or text.startswith("#"):
            lines.append(Line(text))
            continue
        said, arrow, answer = text.partition("->")
        if not arrow and not text.rstrip().endswith(("pass", "passes")):
            raise ValueError(f"no answer in {text!r}")
        lines.append(Line(text, " ".join(said.split()), " ".join(answer.split())))
    return lines


def tell(story: str, teller: Teller | None = None) -> str | None:
    """Tells a story; gives None if every answer is the expected one, else the story with the first wrong line marked."""
    teller, told = teller or Teller(), list[str]()
    for line in parse(story):
        answer: Any = teller.say(line.sentence) if line.sentence else line.answer
        if answer != line.answer:
            return "\n".join([*told, f"{line.text}\n{'':>8}^^^^ but the rules say: {answer or '(nothing)'}"])
        told.append(line.text)
    return None
