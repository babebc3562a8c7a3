"""What an authority does about second factors: one method for each use case, which its own file tells of."""

from __future__ import annotations

from tallystick.authority import devices, enrolling, pending, proving
from tallystick.authority.issued import PasskeyOffer, Pending, SignedIn, StepUp, Tokens, TotpOffer
from tallystick.authority.proving import Deliver
from tallystick.authority.world import World
from tallystick.core.secret import Secret
from tallystick.identity.factors import FactorProof


class ForFactors:
    """A part of `Authority`."""

    world: World

    async def prove(
        self,
        handle: str,
        proof: FactorProof,
        *,
        network: str,
        cookie: str | None = None,
        deliver: Deliver = "cookie",
        device: str | None = None,
        label: str = "",
    ) -> SignedIn | Tokens:
        """Finishes a sign-in or a step-up by one more proof. See proving.prove."""
        done = await proving.prove(
            self.world, handle, proof, network=network, cookie=cookie, deliver=deliver, device=device
        )
        if isinstance(done, Tokens):
            return done
        return devices.completed(self.world, done, device, network=network, label=label)

    async def begin_passkey_sign_in(self, *, network: str = "", stay: bool = False, label: str = "") -> Pending:
        """Begins a sign-in by a passkey alone. See pending.begin_passkey_sign_in."""
        return await pending.begin_passkey_sign_in(self.world, network=network, stay=stay, label=label)

    async def begin_step_up(self, cookie: str) -> StepUp:
        """Says how a person may prove themselves again. See pending.begin_step_up."""
        return await pending.begin_step_up(self.world, cookie)

    async def begin_totp(self, cookie: str) -> TotpOffer:
        """Makes the secret for an app that shows codes. See enrolling.begin_totp."""
        return await enrolling.begin_totp(self.world, cookie)

    async def confirm_totp(self, cookie: str, handle: str, code: str) -> tuple[Secret, ...]:
        """Adds the app whose first code is right; gives recovery codes. See enrolling.confirm_totp."""
        return await enrolling.confirm_totp(self.world, cookie, handle, code)

    async def remove_totp(self, cookie: str) -> None:
        """Takes the app away. See enrolling.remove_totp."""
        await enrolling.remove_totp(self.world, cookie)

    async def begin_passkey(self, cookie: str) -> PasskeyOffer:
        """Makes what a browser needs to make a passkey. See enrolling.begin_passkey."""
        return await enrolling.begin_passkey(self.world, cookie)

    async def confirm_passkey(self, cookie: str, handle: str, response: str, name: str) -> tuple[Secret, ...]:
        """Adds the passkey that a browser made; gives recovery codes. See enrolling.confirm_passkey."""
        return await enrolling.confirm_passkey(self.world, cookie, handle, response, name)

    async def remove_passkey(self, cookie: str, passkey_id: str) -> None:
        """Takes a passkey away. See enrolling.remove_passkey."""
        await enrolling.remove_passkey(self.world, cookie, passkey_id)

    async def renew_recovery_codes(self, cookie: str) -> tuple[Secret, ...]:
        """Makes new recovery codes. See enrolling.renew_recovery_codes."""
        return await enrolling.renew_recovery_codes(self.world, cookie)
