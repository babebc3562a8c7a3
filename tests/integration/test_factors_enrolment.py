"""Adding and removing factors, and proving again who one is in a live session."""

from __future__ import annotations

from base64 import b32decode
from typing import Any

import pytest

from tallystick.authority.enrolling import written_passkey_id
from tallystick.identity.factors import RecoveryCode, TotpCode
from tallystick.identity.passkey import PASSKEYS_MAX
from tallystick.identity.totp import STEP_S, code_at
from tests.support.factors import ORIGIN, Owner, an_owner
from tests.support.house import BOB, NETWORK, PASSWORD, House, code_of, revealed
from tests.support.soft_passkey import SoftPasskey

pytestmark = pytest.mark.anyio


def pass_time(house: House, seconds: int) -> None:
    """Puts the standing clock of the authority forward."""
    assert house.time.stopped_at is not None
    house.time.stopped_at += seconds


async def acts_of(owner: Owner) -> dict[str, Any]:
    """Gives every act on factors, of an account that has both."""
    authority, cookie = owner.house.authority, owner.cookie
    passkey = written_passkey_id((await owner.stored()).authenticators.passkeys[0])
    return {
        "begin an app": lambda: authority.begin_totp(cookie),
        "confirm an app": lambda: authority.confirm_totp(cookie, "tsh_" + "A" * 43, "123456"),
        "remove the app": lambda: authority.remove_totp(cookie),
        "begin a passkey": lambda: authority.begin_passkey(cookie),
        "confirm a passkey": lambda: authority.confirm_passkey(cookie, "tsh_" + "A" * 43, "{}", "x"),
        "remove a passkey": lambda: authority.remove_passkey(cookie, passkey),
        "renew the codes": lambda: authority.renew_recovery_codes(cookie),
    }


async def test_every_change_needs_a_fresh_session(house: House) -> None:
    """A browser that was left alone for ten minutes changes nothing about how its owner signs in."""
    owner = await an_owner(house, "totp", "passkey")
    pass_time(house, house.authority.policy.fresh_lifetime)
    before = await owner.stored()
    for name, act in (await acts_of(owner)).items():
        assert await code_of(act()) == "authentication.too_old", name
    assert await owner.stored() == before


async def test_nothing_counts_before_the_first_code(house: House) -> None:
    """An app that was only shown its secret changes no sign-in; a wrong code may be typed again."""
    owner = await an_owner(house)
    offer = await house.authority.begin_totp(owner.cookie)
    assert revealed(offer.secret) in revealed(offer.uri)
    assert revealed(offer.uri).startswith("otpauth://totp/notes.example:ada@example.com?")
    assert not (await owner.stored()).authenticators.second_factor
    confirm = house.authority.confirm_totp
    assert await code_of(confirm(owner.cookie, revealed(offer.handle), "000000x")) == "authentication.failed"
    secret = b32decode(revealed(offer.secret))
    code = code_at(secret, house.time.now() // STEP_S)
    assert await code_of(confirm(owner.cookie, revealed(offer.handle), code)) == "good"
    assert await code_of(confirm(owner.cookie, revealed(offer.handle), code)) == "authentication.expired"
    assert (await owner.stored()).authenticators.totp is not None


async def test_an_offer_is_good_in_its_session_alone(house: House) -> None:
    """Neither another browser of the same person nor somebody else can finish an enrolment."""
    owner = await an_owner(house)
    elsewhere = await house.sign_in()
    await house.person(BOB)
    bob = await house.sign_in(BOB)
    offer = await house.authority.begin_totp(owner.cookie)
    code = code_at(b32decode(revealed(offer.secret)), house.time.now() // STEP_S)
    passkey = await house.authority.begin_passkey(owner.cookie)
    made = owner.passkey.create(passkey.options)
    for other in (elsewhere, bob):
        cookie = revealed(other.cookie)
        assert await code_of(house.authority.confirm_totp(cookie, revealed(offer.handle), code)) == (
            "authentication.expired"
        )
        assert await code_of(house.authority.confirm_passkey(cookie, revealed(passkey.handle), made, "x")) == (
            "authentication.expired"
        )
    assert not (await owner.stored()).authenticators.second_factor


async def test_recovery_codes_come_with_the_first_factor_and_go_with_the_last(house: House) -> None:
    """They are shown once, stay when a second factor is added or one of two is removed, and then go."""
    owner = await an_owner(house, "totp", "passkey")
    assert len(owner.codes) == 10
    await house.authority.remove_totp(owner.cookie)
    assert len((await owner.stored()).authenticators.recovery) == 10
    (passkey,) = (await owner.stored()).authenticators.passkeys
    await house.authority.remove_passkey(owner.cookie, written_passkey_id(passkey))
    left = (await owner.stored()).authenticators
    assert (left.recovery, left.recovery_made_at, left.second_factor) == (frozenset(), 0, False)
    signed: Any = await house.sign_in()
    assert signed.view.acr == "urn:tallystick:password"


async def test_new_recovery_codes_make_the_old_ones_worthless(house: House) -> None:
    """Whoever finds the old sheet of paper gets nothing."""
    owner = await an_owner(house, "totp")
    old = list(owner.codes)
    owner.codes = [revealed(code) for code in await house.authority.renew_recovery_codes(owner.cookie)]
    assert set(old).isdisjoint(owner.codes)
    assert await code_of(owner.prove(await owner.begin(), RecoveryCode(old[0]))) == "authentication.failed"
    assert await code_of(owner.prove(await owner.begin(), owner.by_paper())) == "good"


async def test_recovery_codes_need_something_to_stand_in_for(house: House) -> None:
    """Without a second factor there are none, and what is not there cannot be removed."""
    owner = await an_owner(house)
    for act in (
        house.authority.renew_recovery_codes(owner.cookie),
        house.authority.remove_totp(owner.cookie),
        house.authority.remove_passkey(owner.cookie, "AAAA"),
    ):
        assert await code_of(act) == "not_found"


async def test_one_app_and_one_row_for_each_passkey(house: House) -> None:
    """A second app needs the first one's removal; the same passkey is not enrolled twice."""
    owner = await an_owner(house, "totp", "passkey")
    assert await code_of(house.authority.begin_totp(owner.cookie)) == "already_exists"
    offer = await house.authority.begin_passkey(owner.cookie)
    excluded: Any = offer.options["excludeCredentials"]
    assert len(excluded) == 1
    again = owner.passkey.create({**offer.options, "excludeCredentials": []})
    assert await code_of(house.authority.confirm_passkey(owner.cookie, revealed(offer.handle), again, "x")) == (
        "already_exists"
    )


async def test_an_account_has_a_bounded_number_of_passkeys(house: House) -> None:
    """Twenty, each of which signs in by itself; the next is refused before the browser is asked."""
    owner = await an_owner(house)
    for number in range(PASSKEYS_MAX):
        owner.passkey = SoftPasskey(ORIGIN)
        await owner.add_passkey(f"key {number}")
    assert await code_of(house.authority.begin_passkey(owner.cookie)) == "request.invalid"
    begun = await house.authority.begin_passkey_sign_in()
    assert await code_of(owner.prove(begun, owner.by_passkey(begun))) == "good"


async def test_a_removed_factor_is_worthless_at_once(house: House) -> None:
    """Also for a sign-in that was waiting for it."""
    owner = await an_owner(house, "totp", "passkey")
    pending = await owner.begin()
    await house.authority.remove_totp(owner.cookie)
    (passkey,) = (await owner.stored()).authenticators.passkeys
    assert await code_of(owner.prove(pending, owner.by_code())) == "authentication.failed"
    await house.authority.remove_passkey(owner.cookie, written_passkey_id(passkey))
    assert await code_of(owner.prove(pending, owner.by_passkey(pending))) == "authentication.failed"
    assert await code_of(owner.prove(pending, RecoveryCode(owner.codes[0]))) == "authentication.failed"


async def test_adding_a_factor_ends_nothing(house: House) -> None:
    """What an account may do does not change by it, so other sessions live on; the page offers to end them."""
    owner = await an_owner(house)
    elsewhere = await house.sign_in()
    head = await house.door.store.head()
    await owner.add_totp()
    assert await house.door.store.head() == head
    assert await code_of(house.authority.view_of_cookie(revealed(elsewhere.cookie))) == "good"


async def test_each_change_is_told_without_a_secret(house: House) -> None:
    """Who listens learns that something was added or removed, and nothing to sign in with."""
    owner = await an_owner(house, "totp", "passkey")
    await house.authority.renew_recovery_codes(owner.cookie)
    await house.authority.remove_totp(owner.cookie)
    told = [(one.name, dict(one.facts)["kind"]) for one in house.events if one.name.startswith("authenticator.")]
    assert told == [
        ("authenticator.added", "totp"),
        ("authenticator.added", "passkey"),
        ("authenticator.added", "recovery_codes"),
        ("authenticator.removed", "totp"),
    ]
    assert not any(code in repr(house.events) for code in owner.codes)


# ── step-up ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_password_steps_up_an_account_without_factors(house: House) -> None:
    """There the password is asked, and nothing is kept meanwhile."""
    owner = await an_owner(house)
    asked = await house.authority.begin_step_up(owner.cookie)
    assert (asked.methods, asked.handle, asked.passkey_options) == (("password",), None, None)
    assert await code_of(house.authority.step_up(owner.cookie, PASSWORD, network=NETWORK)) == "good"


@pytest.mark.parametrize("by", ["code", "paper", "passkey"])
async def test_a_factor_steps_up_an_account_that_has_some(house: House, by: str) -> None:
    """The session is fresh again under a new cookie; the old one keeps the level that it had."""
    owner = await an_owner(house, "totp", "passkey")
    pass_time(house, house.authority.policy.fresh_lifetime)
    asked = await house.authority.begin_step_up(owner.cookie)
    proof: Any = {"code": owner.by_code, "paper": owner.by_paper, "passkey": lambda: owner.by_passkey(asked)}[by]()
    signed = await owner.prove_here(asked, proof, cookie=owner.cookie)
    assert signed.view.id == owner.browser.view.id
    assert signed.view.authenticated_at == house.time.now()
    assert await code_of(house.authority.begin_passkey(revealed(signed.cookie))) == "good"
    assert await code_of(house.authority.begin_passkey(owner.cookie)) == "authentication.too_old"
    again = owner.prove(asked, owner.by_code(1), cookie=revealed(signed.cookie))
    assert await code_of(again) == "authentication.expired"


async def test_the_password_alone_does_not_step_up_an_account_with_factors(house: House) -> None:
    """Else a stolen cookie and the password would be as good as the factor."""
    owner = await an_owner(house, "totp")
    assert await code_of(house.authority.step_up(owner.cookie, PASSWORD, network=NETWORK)) == (
        "authentication.incomplete"
    )


async def test_a_step_up_belongs_to_its_session(house: House) -> None:
    """Its handle is worth nothing without the cookie of that session, and never opens a new one."""
    owner = await an_owner(house, "totp")
    elsewhere = await owner.prove_here(await owner.begin(), owner.by_code())
    asked = await house.authority.begin_step_up(owner.cookie)
    sessions = await owner.sessions()
    codes = [
        await code_of(owner.prove(asked, owner.by_code(1))),
        await code_of(owner.prove(asked, owner.by_code(1), cookie=revealed(elsewhere.cookie))),
        await code_of(owner.prove(asked, owner.by_code(1), deliver="tokens")),
    ]
    assert codes == ["credential.malformed", "authentication.expired", "authentication.expired"]
    assert await owner.sessions() == sessions
    assert await code_of(owner.prove(asked, owner.by_code(1), cookie=owner.cookie)) == "good"


async def test_a_step_up_of_a_session_that_ended_gives_nothing(house: House) -> None:
    """The session is looked at again with the proof."""
    owner = await an_owner(house, "totp")
    asked = await house.authority.begin_step_up(owner.cookie)
    await house.authority.sign_out(owner.browser.view)
    assert await code_of(owner.prove(asked, owner.by_code(), cookie=owner.cookie)) == "session.ended"


async def test_a_wrong_code_does_not_step_up(house: House) -> None:
    """The session stays as it was, and the handle good."""
    owner = await an_owner(house, "totp")
    asked = await house.authority.begin_step_up(owner.cookie)
    wrong = TotpCode(owner.code(9))
    assert await code_of(owner.prove(asked, wrong, cookie=owner.cookie)) == "authentication.failed"
    assert await code_of(owner.prove(asked, owner.by_code(), cookie=owner.cookie)) == "good"


async def test_changing_the_password_of_an_account_with_factors_needs_a_fresh_session(house: House) -> None:
    """The password alone would be less than what signs in."""
    owner = await an_owner(house, "totp")
    pass_time(house, house.authority.policy.fresh_lifetime)
    change = house.authority.change_password(owner.cookie, PASSWORD, "nine notches on a rowan stick", network=NETWORK)
    assert await code_of(change) == "authentication.too_old"
