"""What an authority does for people: one method for each use case, which its own file tells of."""

from __future__ import annotations

from tallystick.authority import accounts, browser, devices, revoke, sign_in
from tallystick.authority.issued import Pending, Revoked, SignedIn, Tokens
from tallystick.authority.passwords import prove_known_password
from tallystick.authority.world import World
from tallystick.core.credentials.view import SessionView
from tallystick.core.ids import SessionId
from tallystick.core.session import decide
from tallystick.errors import AuthenticationIncomplete
from tallystick.identity.factors import authentication_of


class ForPeople:
    """A part of `Authority`."""

    world: World

    async def sign_in(
        self,
        email: str,
        password: str,
        *,
        network: str,
        cookie: str | None = None,
        stay: bool = False,
        label: str = "",
        device: str | None = None,
    ) -> SignedIn | Pending:
        """Opens a browser's session by a password. See sign_in.sign_in."""
        signed = await sign_in.sign_in(
            self.world, email, password, network=network, cookie=cookie, stay=stay, label=label, device=device
        )
        if isinstance(signed, Pending):
            return signed
        return devices.completed(self.world, signed, device, network=network, label=label)

    async def sign_in_app(
        self,
        email: str,
        password: str,
        *,
        client_id: str,
        scope: frozenset[str] | None = None,
        network: str,
        label: str = "",
    ) -> Tokens | Pending:
        """Opens a first-party native app's session by a password. See sign_in.sign_in_app."""
        return await sign_in.sign_in_app(
            self.world, email, password, client_id=client_id, scope=scope, network=network, label=label
        )

    async def step_up(self, cookie: str, password: str, *, network: str) -> SignedIn:
        """Proves the password again: the session gains a fresh authentication and a new cookie.

        Raises:
            AuthenticationIncomplete: the account has a second factor, which `begin_step_up` asks for instead.
        """
        present = await browser.get_browser_session(self.world, cookie, self.world.clock.now())
        if present.account.authenticators.second_factor:
            raise AuthenticationIncomplete("a second factor is wanted")
        await prove_known_password(self.world, present.account, password, network=network, session=present.session)
        again = authentication_of(self.world.clock.now(), "password")
        return await browser.step_up(self.world, cookie, again)

    async def change_password(self, cookie: str, old: str, new: str, *, network: str) -> SignedIn:
        """Changes a password: every other session of the account ends. See accounts.change_password."""
        return await accounts.change_password(self.world, cookie, old, new, network=network)

    async def sign_out(self, session: SessionView | SessionId) -> Revoked:
        """Ends a session with every session bound to it."""
        target, whose = (session.id, session.principal) if isinstance(session, SessionView) else (session, None)
        return await revoke.append(self.world, decide.revoke(target, "signed out"), "logged", principal=whose)

    async def end_all_but(self, cookie: str) -> SignedIn:
        """Ends every session of a person but the one that asks. See browser.end_all_but."""
        return await browser.end_all_but(self.world, cookie)
