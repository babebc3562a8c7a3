"""People with second factors: an app that shows codes, recovery codes on paper, a passkey."""

from __future__ import annotations

from base64 import b32decode
from dataclasses import dataclass, field
from typing import Any

from tallystick.authority.issued import Pending, SignedIn, Tokens
from tallystick.core.ids import ClientId
from tallystick.identity.account import Account
from tallystick.identity.factors import FactorProof, PasskeyAssertion, RecoveryCode, TotpCode
from tallystick.identity.totp import STEP_S, code_at
from tests.support.house import ADA, NETWORK, House, revealed
from tests.support.soft_passkey import SoftPasskey

ORIGIN = "https://notes.example"


@dataclass
class Owner:
    """A person with an account, a browser in which they are signed in, and what they prove themselves with.

    Args:
        house: whose account it is.
        account: as it was made.
        browser: their session from before any factor was added.
        secret: of the app.
        codes: recovery codes that were shown.
        passkey: in software.
    """

    house: House
    account: Account
    browser: SignedIn
    secret: bytes = b""
    codes: list[str] = field(default_factory=list)
    passkey: SoftPasskey = field(default_factory=lambda: SoftPasskey(ORIGIN))

    @property
    def cookie(self) -> str:
        """The cookie of the browser."""
        return revealed(self.browser.cookie)

    def code(self, ahead: int = 0) -> str:
        """Gives what the app shows now, or some steps ahead."""
        return code_at(self.secret, self.house.time.now() // STEP_S + ahead)

    async def add_totp(self) -> None:
        """Enrols the app with the code of the step before, so that the present one is still good."""
        offer = await self.house.authority.begin_totp(self.cookie)
        text = revealed(offer.secret)
        self.secret = b32decode(text + "=" * (-len(text) % 8))
        codes = await self.house.authority.confirm_totp(self.cookie, revealed(offer.handle), self.code(-1))
        self.codes += [revealed(code) for code in codes]

    async def add_passkey(self, name: str = "phone") -> None:
        """Enrols the passkey."""
        offer = await self.house.authority.begin_passkey(self.cookie)
        made = self.passkey.create(offer.options)
        codes = await self.house.authority.confirm_passkey(self.cookie, revealed(offer.handle), made, name)
        self.codes += [revealed(code) for code in codes]

    async def begin(self, **more: Any) -> Pending:
        """Gives the right password, which is not enough."""
        pending: Any = await self.house.sign_in(self.account.email, **more)
        assert isinstance(pending, Pending), "the password was enough"
        return pending

    async def begin_app(self, client: ClientId, **more: Any) -> Pending:
        """Gives the right password in an app, which is not enough."""
        pending: Any = await self.house.sign_in_app(client, self.account.email, **more)
        assert isinstance(pending, Pending), "the password was enough"
        return pending

    async def prove(self, pending: Any, proof: FactorProof, **more: Any) -> SignedIn | Tokens:
        """Gives one more proof."""
        assert pending.handle is not None
        return await self.house.authority.prove(revealed(pending.handle), proof, **{"network": NETWORK, **more})

    async def prove_value(self, value: str) -> SignedIn | Tokens:
        """Presents a text as if it were a handle, with a right code."""
        return await self.house.authority.prove(value, self.by_code(), network=NETWORK)

    async def prove_here(self, pending: Any, proof: FactorProof, **more: Any) -> SignedIn:
        """Gives one more proof in a browser."""
        signed = await self.prove(pending, proof, **more)
        assert isinstance(signed, SignedIn)
        return signed

    def by_code(self, ahead: int = 0) -> TotpCode:
        """Gives the proof by the app."""
        return TotpCode(self.code(ahead))

    def by_paper(self) -> RecoveryCode:
        """Gives the proof by the next recovery code."""
        return RecoveryCode(self.codes.pop())

    def by_passkey(self, pending: Any) -> PasskeyAssertion:
        """Gives the proof by the passkey."""
        assert pending.passkey_options is not None
        return PasskeyAssertion(self.passkey.get(pending.passkey_options))

    async def stored(self) -> Account:
        """Gives the account as the store has it."""
        account = (await self.house.door.store.facts_of_account(self.account.id)).account
        assert account is not None
        return account

    async def sessions(self) -> int:
        """Counts the sessions that live."""
        return len(await self.house.authority.sessions_of(self.account.id))


async def an_owner(house: House, *factors: str, email: str = ADA) -> Owner:
    """Makes a person with `totp`, `passkey` or both, at a standing clock."""
    house.time.stop()
    owner = Owner(house, await house.person(email), await house.sign_in(email))
    for factor in factors:
        await (owner.add_totp() if factor == "totp" else owner.add_passkey())
    return owner
