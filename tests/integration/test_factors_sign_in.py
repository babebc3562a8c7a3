"""Signing in with a second factor: nothing is open before the last proof, and each proof is good once."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.authority.issued import Pending, Tokens
from tallystick.core.session.decision import OpenSession, UpdateSession
from tallystick.errors import Misconfigured, Unavailable
from tallystick.identity.factors import PasskeyAssertion, RecoveryCode, TotpCode
from tests.support.factors import an_owner
from tests.support.house import BOB, NETWORK, NEW_PASSWORD, PASSWORD, House, code_of, revealed, verdict

pytestmark = pytest.mark.anyio
FACTORS = (("totp",), ("passkey",), ("totp", "passkey"))


@pytest.mark.parametrize("factors", FACTORS, ids="+".join)
async def test_a_right_password_opens_nothing(house: House, factors: tuple[str, ...]) -> None:
    """With a second factor, neither a browser nor an app gets a session for the password; both are told what is left."""
    owner, client = await an_owner(house, *factors), await house.app()
    house.door.commits.clear()
    for pending in (await owner.begin(), await owner.begin(cookie=owner.cookie), await owner.begin_app(client)):
        assert set(pending.methods) == {*factors, "recovery_code"}
        assert pending.expires_in == 600
        assert (pending.passkey_options is not None) == ("passkey" in factors)
    written = [write for writes in house.door.commits for write in writes]
    assert written
    assert not any(isinstance(write, OpenSession | UpdateSession) for write in written)
    assert await owner.sessions() == 1


async def test_a_code_completes_it(house: House) -> None:
    """The session opens with both proofs in it, and is good at once."""
    owner = await an_owner(house, "totp")
    signed = await owner.prove_here(await owner.begin(label="laptop"), owner.by_code())
    assert (signed.view.amr, signed.view.acr) == (("pwd", "otp", "mfa"), "urn:tallystick:mfa")
    assert await code_of(house.authority.view_of_cookie(revealed(signed.cookie))) == "good"
    assert await owner.sessions() == 2
    (opened,) = (one for one in await house.authority.sessions_of(owner.account.id) if one.id == signed.view.id)
    assert (opened.label, opened.network) == ("laptop", NETWORK)


async def test_the_session_is_born_before_the_password_was_read(house: House) -> None:
    """What happened in the log between the two steps lies after its birth, so a cut that is heard of late still counts."""
    owner, client = await an_owner(house, "totp"), await house.app()
    head = await house.door.store.head()
    pending, app = await owner.begin(), await owner.begin_app(client)
    bob = await house.person(BOB)
    await house.authority.revoke(bob.id, because="test")
    await owner.prove(pending, owner.by_code())
    await owner.prove(app, owner.by_code(1), deliver="tokens")
    born = [row.born for row in await house.authority.sessions_of(owner.account.id)]
    assert await house.door.store.head() > head
    assert born == [head] * 3


async def test_what_was_asked_for_is_remembered(house: House) -> None:
    """Staying signed in, an app and its scope are what the first step asked for, whoever sends the second."""
    owner, client = await an_owner(house, "totp"), await house.app()
    kept = await owner.prove_here(await owner.begin(stay=True), owner.by_code())
    assert kept.max_age == house.authority.policy.browser_kept.absolute_lifetime
    pending = await owner.begin_app(client, scope=frozenset({"notes:read"}))
    tokens = await owner.prove(pending, owner.by_code(1), deliver="tokens")
    assert isinstance(tokens, Tokens)
    assert tokens.scope == {"notes:read"}
    assert verdict(house.authority, tokens.access_token) == "good"
    assert await code_of(house.refresh(tokens.refresh_token, client)) == "good"


@pytest.mark.parametrize("asked", ["cookie", "tokens"])
async def test_a_step_for_the_other_kind_of_client_is_refused(house: House, asked: str) -> None:
    """What began in an app never ends with a cookie, nor the other way round: cross-site rules differ."""
    owner, client = await an_owner(house, "totp"), await house.app()
    pending = await (owner.begin_app(client) if asked == "cookie" else owner.begin())
    assert await code_of(owner.prove(pending, owner.by_code(), deliver=asked)) == "authentication.expired"
    assert await owner.sessions() == 1


async def test_the_same_person_in_the_same_browser_keeps_the_session(house: House) -> None:
    """Signing in again is a step-up of the live session, also when it takes two steps."""
    owner = await an_owner(house, "totp")
    pending = await owner.begin(cookie=owner.cookie)
    signed = await owner.prove_here(pending, owner.by_code(), cookie=owner.cookie)
    assert signed.view.id == owner.browser.view.id
    assert await owner.sessions() == 1


async def test_a_passkey_is_a_second_factor(house: House) -> None:
    """It signs the challenge of this very sign-in, and its use is remembered."""
    owner = await an_owner(house, "passkey")
    pending, other = await owner.begin(), await owner.begin()
    wrong = PasskeyAssertion(owner.passkey.get(other.passkey_options or {}))
    assert await code_of(owner.prove(pending, wrong)) == "authentication.failed"
    signed = await owner.prove_here(pending, owner.by_passkey(pending))
    assert (signed.view.amr, signed.view.acr) == (("pwd", "pop", "mfa"), "urn:tallystick:passkey")
    (stored,) = (await owner.stored()).authenticators.passkeys
    assert stored.sign_count == owner.passkey.count


async def test_a_passkey_signs_in_alone(house: House) -> None:
    """Nothing is typed: the passkey says whose it is. An answer is good once."""
    owner = await an_owner(house, "passkey")
    begun = await house.authority.begin_passkey_sign_in(stay=True, label="laptop")
    assert (begun.methods, (begun.passkey_options or {})["allowCredentials"]) == (("passkey",), [])
    proof = owner.by_passkey(begun)
    signed = await owner.prove_here(begun, proof)
    assert (signed.account.id, signed.view.amr) == (owner.account.id, ("pop", "mfa"))
    assert signed.max_age is not None
    assert await code_of(owner.prove(begun, proof)) == "authentication.expired"
    again = await house.authority.begin_passkey_sign_in()
    assert await code_of(owner.prove(again, proof)) == "authentication.failed"


@pytest.mark.parametrize("wrong", ["code", "recovery", "no handle", "foreign handle", "not enrolled", "junk"])
async def test_a_passkey_alone_needs_a_passkey(house: House, wrong: str) -> None:
    """Without a password, only a passkey that is enrolled and says whose it is opens a session."""
    owner = await an_owner(house, "totp", "passkey")
    begun = await house.authority.begin_passkey_sign_in()
    proofs: dict[str, Any] = {
        "code": owner.by_code(),
        "recovery": RecoveryCode(owner.codes[0]),
        "no handle": PasskeyAssertion(owner.passkey.get(begun.passkey_options or {}, handle=False)),
        "junk": PasskeyAssertion("{}"),
    }
    if wrong == "foreign handle":
        owner.passkey.user_handle = b"1" * 22
    elif wrong == "not enrolled":
        owner.passkey.id = b"another"
    proof = proofs.get(wrong) or owner.by_passkey(begun)
    assert await code_of(owner.prove(begun, proof)) == "authentication.failed"
    assert await owner.sessions() == 1


async def test_a_copied_passkey_is_refused_and_told_of(house: House) -> None:
    """When the counter goes back, there are two of the key: the one that fell behind signs nobody in."""
    owner = await an_owner(house, "passkey")
    owner.passkey.count = 40
    first = await owner.begin()
    await owner.prove(first, owner.by_passkey(first))
    owner.passkey.count = 39
    second = await owner.begin()
    assert await code_of(owner.prove(second, owner.by_passkey(second))) == "authentication.failed"
    assert "passkey.copied" in [event.name for event in house.events]


async def test_a_passkey_that_does_not_count_goes_on_signing_in(house: House) -> None:
    """Synced passkeys always say 0."""
    owner = await an_owner(house)
    owner.passkey.step = 0
    await owner.add_passkey()
    for _ in range(2):
        begun = await house.authority.begin_passkey_sign_in()
        assert await code_of(owner.prove(begun, owner.by_passkey(begun))) == "good"


async def test_a_code_is_good_once_whatever_handle_it_comes_with(house: House) -> None:
    """A code that was seen over a shoulder is worthless, and so are those before it; the next one is good."""
    owner = await an_owner(house, "totp")
    first, second = await owner.begin(), await owner.begin()
    assert await code_of(owner.prove(first, owner.by_code(1))) == "good"
    for ahead in (1, 0, -1):
        assert await code_of(owner.prove(second, owner.by_code(ahead))) == "authentication.failed"
    assert house.time.stopped_at is not None
    house.time.stopped_at += 60
    assert await code_of(owner.prove(second, owner.by_code())) == "good"


async def test_the_code_of_the_enrolment_is_used_up(house: House) -> None:
    """The code that confirmed the app does not also sign in."""
    owner = await an_owner(house, "totp")
    assert await code_of(owner.prove(await owner.begin(), owner.by_code(-1))) == "authentication.failed"


async def test_a_recovery_code_stands_in_once(house: House) -> None:
    """Each of the ten signs in one time, with the password; in any writing."""
    owner = await an_owner(house, "totp")
    assert len(owner.codes) == 10
    code = owner.codes.pop()
    signed = await owner.prove_here(await owner.begin(), RecoveryCode(code.upper().replace("-", " ")))
    assert signed.view.amr == ("pwd", "otp", "mfa")
    assert len((await owner.stored()).authenticators.recovery) == 9
    assert await code_of(owner.prove(await owner.begin(), RecoveryCode(code))) == "authentication.failed"
    assert await code_of(owner.prove(await owner.begin(), owner.by_paper())) == "good"


async def test_a_wrong_proof_uses_nothing_up(house: House) -> None:
    """After a slip of the finger the same handle is still good."""
    owner = await an_owner(house, "totp")
    pending = await owner.begin()
    for wrong in (TotpCode("000000x"), TotpCode(owner.code(7)), RecoveryCode("nothing"), PasskeyAssertion("{}")):
        assert await code_of(owner.prove(pending, wrong)) == "authentication.failed"
    assert await code_of(owner.prove(pending, owner.by_code())) == "good"


async def test_guesses_are_counted_by_account_whatever_handle(house: House) -> None:
    """Beginning anew buys no further guesses, nor does another kind of code; after the wait the owner gets in."""
    owner = await an_owner(house, "totp")
    answers = []
    for number in range(9):
        wrong = TotpCode(owner.code(50)) if number % 2 else RecoveryCode("0000-0000")
        answers.append(await code_of(owner.prove(await owner.begin(), wrong)))
    assert answers[:5] == ["authentication.failed"] * 5
    assert answers[-1] == "throttled"
    assert await code_of(owner.prove(await owner.begin(), owner.by_code())) == "throttled"
    assert house.time.stopped_at is not None
    house.time.stopped_at += 60
    assert await code_of(owner.prove(await owner.begin(), owner.by_code())) == "good"


async def test_guesses_keep_no_passkey_out(house: House) -> None:
    """Whoever guesses at codes, or sends signatures that are none, does not slow down the owner's passkey."""
    owner = await an_owner(house, "totp", "passkey")
    thief = await owner.begin()
    for _ in range(12):
        await code_of(owner.prove(thief, TotpCode(owner.code(50))))
        assert await code_of(owner.prove(thief, PasskeyAssertion("{}"))) == "authentication.failed"
    assert await code_of(owner.prove(thief, owner.by_code())) == "throttled"
    pending, alone = await owner.begin(), await house.authority.begin_passkey_sign_in()
    assert await code_of(owner.prove(pending, owner.by_passkey(pending))) == "good"
    assert await code_of(owner.prove(alone, owner.by_passkey(alone))) == "good"


async def test_finished_passkey_sign_ins_are_not_counted(house: House) -> None:
    """A whole office behind one address can sign in by passkeys; only challenges that nobody answers count."""
    owner = await an_owner(house, "passkey")
    for _ in range(70):
        begun = await house.authority.begin_passkey_sign_in(network=NETWORK)
        assert await code_of(owner.prove(begun, owner.by_passkey(begun))) == "good"


@pytest.mark.parametrize("value", ["", "tsh_", "tsh_" + "A" * 43, "x" * 5_000, "tsh_\u00e9"])
async def test_a_handle_that_is_none_is_refused(house: House, value: str) -> None:
    """What nobody handed out is over, and nothing more is said."""
    await an_owner(house, "totp")
    assert await code_of(house.authority.prove(value, TotpCode("123456"), network=NETWORK)) == "authentication.expired"


async def test_a_handle_has_its_time_and_its_purpose(house: House) -> None:
    """After ten minutes a pending sign-in is over; the handle of an enrolment never signs in."""
    owner = await an_owner(house, "totp")
    offer = await house.authority.begin_passkey(owner.cookie)
    assert await code_of(owner.prove(offer, owner.by_code())) == "authentication.expired"
    pending = await owner.begin()
    assert house.time.stopped_at is not None
    house.time.stopped_at += 600
    assert await code_of(owner.prove(pending, owner.by_code())) == "authentication.expired"


async def test_a_replay_of_a_handle_ends_nothing(house: House) -> None:
    """Whoever sends a form twice stays signed in: the second answer is refused, and the session lives."""
    owner = await an_owner(house, "totp")
    pending = await owner.begin()
    signed = await owner.prove_here(pending, owner.by_code())
    assert await code_of(owner.prove(pending, owner.by_code(1))) == "authentication.expired"
    assert await code_of(house.authority.view_of_cookie(revealed(signed.cookie))) == "good"


@pytest.mark.parametrize("act", ["change the password", "disable", "revoke", "end all but"])
async def test_what_changes_the_account_ends_its_pending_sign_ins(house: House, act: str) -> None:
    """Whoever had the old password and waits with it for a code gets nothing any more."""
    owner, client = await an_owner(house, "totp"), await house.app()
    pending, app = await owner.begin(), await owner.begin_app(client)
    authority, cookie = house.authority, owner.cookie
    acts: dict[str, Any] = {
        "change the password": lambda: authority.change_password(cookie, PASSWORD, NEW_PASSWORD, network=NETWORK),
        "disable": lambda: authority.disable_account(owner.account.id, because="test"),
        "revoke": lambda: authority.revoke(owner.account.id, because="test"),
        "end all but": lambda: authority.end_all_but(cookie),
    }
    await acts[act]()
    before = await owner.sessions()
    assert await code_of(owner.prove(pending, owner.by_code())) == "authentication.expired"
    assert await code_of(owner.prove(app, owner.by_code(), deliver="tokens")) == "authentication.expired"
    assert await owner.sessions() == before


async def test_an_app_that_was_disabled_meanwhile_gets_nothing(house: House) -> None:
    """The client is judged again with the last proof."""
    owner, client = await an_owner(house, "totp"), await house.app()
    pending = await owner.begin_app(client)
    await house.authority.disable_client(client, because="test")
    assert await code_of(owner.prove(pending, owner.by_code(), deliver="tokens")) in (
        "authentication.expired",
        "oauth.invalid_client",
    )


async def test_our_own_trouble_uses_nothing_up(house: House) -> None:
    """When the store cannot write, the handle, the code and the count of guesses are as before."""
    owner = await an_owner(house, "totp")
    pending = await owner.begin()

    async def full(name: str, _: int) -> None:
        if name == "commit":
            raise Unavailable("the disk is full")

    for _ in range(10):
        with house.door.with_before(full):
            assert await code_of(owner.prove(pending, owner.by_code())) == "unavailable"
    assert await code_of(owner.prove(pending, owner.by_code())) == "good"


async def test_a_counter_that_cannot_be_written_keeps_nobody_out(house: House) -> None:
    """Once the session is committed it is handed out, also when the forgiving of the attempt fails."""
    owner = await an_owner(house, "totp")
    pending, committed = await owner.begin(), False

    async def trouble(name: str, _: int) -> None:
        nonlocal committed
        if name == "count" and committed:
            raise Unavailable("the disk is full")
        committed = committed or name == "commit"

    with house.door.with_before(trouble):
        assert await code_of(owner.prove(pending, owner.by_code())) == "good"


async def test_a_lost_root_key_is_our_trouble(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An app's secret that cannot be opened is no wrong code: 503, and no guess is counted."""
    owner = await an_owner(house, "totp")
    pending, sealer = await owner.begin(), house.authority.world.sealer

    def lost(purpose: str, sealed: bytes) -> bytes:
        raise Misconfigured("the root key is another")

    with monkeypatch.context() as patch:
        patch.setattr(type(sealer), "unseal", lambda _, purpose, sealed: lost(purpose, sealed))
        for _ in range(8):
            assert await code_of(owner.prove(pending, owner.by_code())) == "unavailable"
    assert await code_of(owner.prove(pending, owner.by_code())) == "good"


async def test_an_account_without_factors_signs_in_as_before(house: House) -> None:
    """A password is enough where there is nothing else."""
    await house.person()
    signed: Any = await house.sign_in()
    assert not isinstance(signed, Pending)
    assert (signed.view.amr, signed.view.acr) == (("pwd",), "urn:tallystick:password")
