"""What an authority does where mail is part of it: one method for each use case, which its own file tells of."""

from __future__ import annotations

from tallystick.authority import accounts, links
from tallystick.authority.issued import PasswordReset
from tallystick.authority.world import World
from tallystick.identity.account import Account


class ForMail:
    """A part of `Authority`."""

    world: World

    @property
    def mails(self) -> bool:
        """Whether mail can be sent: addresses are verified, and forgotten passwords can be reset."""
        return self.world.mailer is not None

    async def sign_up(self, email: str, password: str, *, network: str) -> Account | None:
        """Creates an account for whoever asks; with a mailer, once its address is verified. See accounts.sign_up."""
        return await accounts.sign_up(self.world, email, password, network=network)

    async def verify_address(self, link: str, password: str, *, network: str) -> Account:
        """Makes the account of a sign-up whose link came back with its password. See links.verify_address."""
        return await links.verify_address(self.world, link, password, network=network)

    async def ask_for_reset(self, email: str, *, network: str) -> None:
        """Sends the owner of an account, if there is one, a link for a new password. See links.ask_for_reset."""
        await links.ask_for_reset(self.world, email, network=network)

    async def reset_password(self, link: str, new: str, *, network: str) -> PasswordReset:
        """Replaces a forgotten password and ends every session of the account. See links.reset_password."""
        return await links.reset_password(self.world, link, new, network=network)
