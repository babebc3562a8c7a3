"""Mixed traffic on one authority until somebody kills it, and the judge who comes after."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from pathlib import Path

from tallystick import Authority, Rejected
from tallystick.core.credentials.view import SessionView
from tallystick.core.ids import SessionId
from tallystick.core.revocation.entry import GENESIS, ORIGIN, link
from tallystick.errors import AlreadyExists, CredentialExpired, OAuthError
from tests.support.embedded import NETWORK, PASSWORD, embedded
from tests.support.journal import Journal, Known

ACTORS = [f"actor{number}@example.com" for number in range(5)]
CLIENT_NAME = "phone"
LIVE_MAX = 8
GRACE_S = 60
SAMPLE = 20


async def prepare(folder: Path) -> str:
    """Makes the accounts and the app; gives the app's client id."""
    async with embedded(folder, grace=GRACE_S) as authority:
        for email in ACTORS:
            try:
                await authority.create_account(email, PASSWORD)
            except AlreadyExists:
                continue
        client, _ = await authority.create_client(CLIENT_NAME, kind="native", first_party=True)
        return str(client.id)


async def run(folder: Path, client: str, seed: int, say: Callable[[list[str]], None]) -> None:
    """Judges what the process before left, says it, and then sends traffic for ever.

    Args:
        folder: holds store and journal.
        client: the app's client id.
        seed: of the traffic.
        say: is told what is not as acknowledged; an empty list is good news.
    """
    journal, dice = Journal(folder / "journal.jsonl"), random.Random(seed)
    async with embedded(folder, grace=GRACE_S) as authority:
        say(await judge(authority, journal, client, dice))
        await asyncio.gather(*(_act(authority, journal, client, email, dice) for email in ACTORS))


async def judge_all(folder: Path, client: str) -> list[str]:
    """Judges everything that the journal knows."""
    journal = Journal(folder / "journal.jsonl")
    try:
        async with embedded(folder, grace=GRACE_S) as authority:
            return await judge(authority, journal, client, None)
    finally:
        journal.close()


# ── traffic ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _act(authority: Authority, journal: Journal, client: str, email: str, dice: random.Random) -> None:
    while True:
        live = journal.knowledge.live(email)
        choice = dice.random()
        if len(live) >= LIVE_MAX or (live and choice < 0.2):
            await _end(authority, journal, dice.choice(live))
        elif choice < 0.25:
            await _end_all(authority, journal, email)
        elif choice < 0.3:
            registered, secret = await authority.create_client("importer", kind="service")
            assert secret is not None
            journal.note("registered", client=registered.id, secret=secret.reveal())
        elif choice < 0.5:
            await _open(authority, journal, client, email, app=dice.random() < 0.6)
        elif apps := journal.knowledge.live(email, "app"):
            await _refresh(authority, journal, client, dice.choice(apps))
        await asyncio.sleep(dice.random() * 0.004)


async def _open(authority: Authority, journal: Journal, client: str, email: str, *, app: bool) -> None:
    if app:
        tokens = await authority.sign_in_app(email, PASSWORD, client_id=client, network=NETWORK)
        assert tokens.refresh_token is not None
        session, secret, access = tokens.session, tokens.refresh_token.reveal(), tokens.access_token.reveal()
    else:
        signed = await authority.sign_in(email, PASSWORD, network=NETWORK)
        session, secret = signed.view.id, signed.cookie.reveal()
        access = (await authority.issue_access_token(secret)).access_token.reveal()
    journal.note("opened", session=session, owner=email, kind="app" if app else "browser", secret=secret, access=access)


async def _refresh(authority: Authority, journal: Journal, client: str, known: Known) -> None:
    token = known.secret
    tokens = await authority.refresh(token, client_id=client, network=NETWORK)
    assert tokens.refresh_token is not None
    journal.note(
        "refreshed",
        session=known.session,
        token=token,
        secret=tokens.refresh_token.reveal(),
        access=tokens.access_token.reveal(),
    )


async def _end(authority: Authority, journal: Journal, known: Known) -> None:
    journal.note("ending", session=known.session)
    await authority.revoke(SessionId(known.session), because="traffic")
    journal.note("ended", session=known.session)


async def _end_all(authority: Authority, journal: Journal, email: str) -> None:
    account = await authority.find_account(email)
    assert account is not None
    journal.note("ending", owner=email)
    await authority.revoke(account.id, because="traffic")
    journal.note("ended", owner=email)


# ── the judge ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def judge(authority: Authority, journal: Journal, client: str, dice: random.Random | None) -> list[str]:
    """Says everything that is not as it was acknowledged.

    Args:
        authority: opened again.
        journal: what was acknowledged.
        client: the app's client id.
        dice: for a sample of what was judged before; None to judge everything.
    """
    sessions, clients = journal.knowledge.sessions, journal.knowledge.clients
    problems = []
    for name in _sampled(sessions, {name for name, one in sessions.items() if one.judged}, dice):
        problems += await _judge_session(authority, journal, client, sessions[name])
    for name in _sampled(clients, journal.knowledge.confirmed, dice):
        try:
            await authority.client_credentials(client_id=name, client_secret=clients[name], network=NETWORK)
            journal.note("judged", client=name)
        except OAuthError as error:
            problems.append(f"client {name}: its creation was acknowledged, but: {error}")
    problems += [
        f"a refresh token has {len(found)} successors"
        for found in journal.knowledge.successors.values()
        if len(found) > 1
    ]
    return problems + await _judge_log(authority)


def _sampled(names: Iterable[str], settled: set[str], dice: random.Random | None) -> list[str]:
    """Gives the names that no judge has settled before, and a sample of the others; all of them without dice."""
    if dice is None:
        return list(names)
    return [name for name in names if name not in settled] + dice.sample(sorted(settled), min(SAMPLE, len(settled)))


async def _judge_session(authority: Authority, journal: Journal, client: str, known: Known) -> list[str]:
    accepted = {
        "secret": await _accepts_secret(authority, journal, client, known),
        "access token": _accepts_access(authority, known.access) if known.access else None,
    }
    wrong = []
    if known.ending == "acknowledged":
        journal.note("judged", session=known.session)
        wrong = [f"its end was acknowledged, but its {what} is accepted" for what, good in accepted.items() if good]
    elif not known.ending:
        wrong = [f"nobody ended it, but its {what} is refused" for what, good in accepted.items() if good is False]
    elif set(accepted.values()) >= {True, False}:
        wrong = [f"half of it has ended: {accepted}"]
    return [f"session {known.session} ({known.kind}): {one}" for one in wrong]


async def _accepts_secret(authority: Authority, journal: Journal, client: str, known: Known) -> bool:
    try:
        if known.kind == "browser":
            return (await authority.view_of_cookie(known.secret)).id == known.session
        token = known.secret
        await _refresh(authority, journal, client, known)
        again = await authority.refresh(token, client_id=client, network=NETWORK)
        assert again.refresh_token is not None
        journal.knowledge.successors[token].add(again.refresh_token.reveal())
    except Rejected:
        return False
    return True


def _accepts_access(authority: Authority, token: str) -> bool | None:
    """Tells whether an access token is accepted; None when its own time is over, which proves nothing."""
    try:
        view: SessionView = authority.verify(token)
    except CredentialExpired:
        return None
    except Rejected:
        return False
    return bool(view.id)


async def _judge_log(authority: Authority) -> list[str]:
    """Says where the log is not dense, or its chain does not hold."""
    after, chain, problems = ORIGIN, GENESIS, list[str]()
    while page := await authority.log_page(after, 1000):
        for entry in page:
            at = entry.position
            if after != ORIGIN and (at.epoch, at.seq) != (after.epoch, after.seq + 1):
                problems.append(f"the log goes from {after.text()} to {at.text()}")
            elif (after != ORIGIN or at.seq == 1) and entry.chain != link(chain, at, entry.ending, entry.appended_at):
                problems.append(f"the chain breaks at {at.text()}")
            after, chain = at, entry.chain
    if after != ORIGIN and await authority.head() != after:
        problems.append(f"the head is {(await authority.head()).text()}, the last entry {after.text()}")
    return problems
