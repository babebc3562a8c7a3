"""NoSecretAtRest: whoever has a full dump of the store, and the logs, can present nothing that is accepted."""

from __future__ import annotations

import hmac
import json
import logging
import time
from base64 import b32decode, b32encode, urlsafe_b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from tallystick.core.credentials.cookie import cookie_of
from tallystick.core.credentials.refresh_token import derive_refresh_token
from tallystick.core.policy import DEFAULT
from tallystick.core.session.model import AppHolder
from tallystick.crypto.hashing import HashingPool
from tallystick.identity.password import PasswordParameters
from tests.support.dump import blobs_of, dump_of, forms_of, values_of
from tests.support.factors import an_owner
from tests.support.house import (
    ADA,
    BOB,
    ISSUER,
    NETWORK,
    PASSWORD,
    PERMISSIONS,
    House,
    Kind,
    a_house,
    code_of,
    revealed,
)

pytestmark = pytest.mark.anyio


class Busy:
    """A house in which everything that is a secret has been made and is live."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def make(self) -> Busy:
        """Makes cookies, refresh tokens, access tokens, a client secret, keys."""
        house = self.house
        self.account = await house.person(permissions=PERMISSIONS)
        self.client = await house.app()
        self.service, self.secret = await house.service()
        first = await house.sign_in()
        self.browser = await house.authority.step_up(revealed(first.cookie), PASSWORD, network=NETWORK)
        self.app = await house.sign_in_app(self.client)
        self.next = await house.refresh(self.app.refresh_token, self.client)
        self.bound = await house.open_from(self.browser.cookie, self.client)
        self.minted = await house.mint(self.browser.cookie)
        self.machine = await house.authority.client_credentials(
            client_id=self.service.id, client_secret=self.secret, network=NETWORK
        )
        await house.authority.rotate_keys()
        self.secrets = {
            "password": PASSWORD,
            "cookie": revealed(self.browser.cookie),
            "previous cookie": revealed(first.cookie),
            "csrf token": revealed(self.browser.csrf),
            "client secret": self.secret,
            "refresh token": revealed(self.next.refresh_token),
            "old refresh token": revealed(self.app.refresh_token),
            "bound refresh token": revealed(self.bound.refresh_token),
            "access token": revealed(self.minted.access_token),
            "service token": revealed(self.machine.access_token),
        }
        return self


@pytest.fixture
async def busy(kind: Kind, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Any:
    """A busy house with a real hashing pool, everything logged that can be logged."""
    caplog.set_level(logging.DEBUG)
    pool = HashingPool(PasswordParameters(memory_kib=64, time_cost=1), slots=1)
    async with a_house(kind, tmp_path, hasher=pool) as house:
        yield await Busy(house).make()


def forged(claims: dict[str, Any], kid: str, algorithm: str, key: bytes) -> str:
    """Signs an access token with bytes that somebody hopes to be a key."""

    def part(value: dict[str, Any]) -> str:
        return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    signed = f"{part({'alg': algorithm, 'kid': kid, 'typ': 'at+jwt'})}.{part(claims)}"
    mac = hmac.digest(key, signed.encode(), "sha256")
    return f"{signed}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"


class TestNoSecretAtRest:
    """A dump is worth nothing."""

    async def test_no_live_secret_stands_in_a_dump(self, busy: Busy) -> None:
        """Neither as it is nor encoded does any password, cookie, token or client secret lie in the store."""
        dump = dump_of(busy.house)
        assert str(busy.browser.view.id).encode() in dump, "the dump is not one"
        found = [name for name, secret in busy.secrets.items() for form in forms_of(secret) if form in dump]
        assert found == []

    async def test_no_live_secret_stands_in_a_log(self, busy: Busy, caplog: pytest.LogCaptureFixture) -> None:
        """With everything logged that can be, and with errors on the way, no secret is in it."""
        house = busy.house
        for code in (
            house.sign_in("nobody@example.com"),
            house.refresh(busy.secrets["refresh token"], busy.service.id),
            house.refresh(busy.secrets["refresh token"], busy.client, client_secret=busy.secret),
            house.authority.view_of_cookie(busy.secrets["cookie"] + "x"),
            house.authority.client_credentials(client_id=busy.client, client_secret=busy.secret, network=NETWORK),
        ):
            assert await code_of(code) != "good"
        said = (caplog.text + repr(house.events) + repr(busy.browser) + repr(busy.next)).encode()
        assert [name for name, secret in busy.secrets.items() for form in forms_of(secret) if form in said] == []

    async def test_nothing_in_a_dump_is_a_cookie(self, busy: Busy) -> None:
        """Whatever 32 bytes are found, presented as a cookie they open nothing; nor does any text that is found."""
        house, values = busy.house, values_of(busy.house)
        blobs = [one for one in blobs_of(values) if len(one) == 32]
        assert blobs, "a dump without a single digest is none"
        presented = [cookie_of(one).reveal() for one in blobs]
        presented += [f"tsc_{one.hex()[:43]}" for one in blobs]
        presented += [value.decode("latin-1") for value in values]
        for value in presented:
            assert await code_of(house.authority.view_of_cookie(value)) != "good"
        assert await code_of(house.authority.view_of_cookie(busy.secrets["cookie"])) == "good"

    async def test_nothing_in_a_dump_is_a_refresh_token_or_makes_one(self, busy: Busy) -> None:
        """No 32 bytes of a dump are the master key: what they derive, for any session and generation, is refused."""
        house, values = busy.house, values_of(busy.house)
        sessions = await house.authority.sessions_of(busy.account.id)
        apps = [(row.id, row.holder.generation) for row in sessions if isinstance(row.holder, AppHolder)]
        assert len(apps) == 2
        for number, blob in enumerate(blobs_of(values)):
            # From a network of its own each time: forged tokens are throttled.
            network = f"10.{number >> 8 & 255}.{number & 255}.1"
            for session, generation in apps:
                forged_token = derive_refresh_token(blob[:32].ljust(32, b"\0"), session, generation)
                code = await code_of(house.refresh(forged_token, busy.client, network=network))
                assert code == "credential.malformed"
        assert await code_of(house.refresh(busy.secrets["refresh token"], busy.client)) == "good"

    async def test_nothing_in_a_dump_signs(self, busy: Busy) -> None:
        """No private key can be read out of a dump, and no bytes of it, as a shared key, sign a token that is taken."""
        house, blobs = busy.house, blobs_of(values_of(busy.house))
        opened = []
        for blob in blobs:
            for load in (load_der_private_key, load_pem_private_key):
                try:
                    opened.append(load(blob, None))
                except (ValueError, TypeError):
                    continue
        assert opened == []
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": ISSUER, "sub": busy.account.id, "client_id": "browser", "sid": busy.browser.view.id,
            "tal": busy.browser.view.tal.text(), "iat": now, "exp": now + 300, "jti": "forged",
        }  # fmt: skip
        kid = str(house.authority.world.signer.active)
        for blob in blobs:
            for algorithm in ("HS256", "ES256"):
                token = forged(claims, kid, algorithm, blob)
                with pytest.raises(Exception, match="credential"):
                    house.authority.verify(token)
        assert house.authority.verify(busy.secrets["access token"]).principal == busy.account.id

    async def test_nothing_in_a_dump_is_a_client_secret(self, busy: Busy) -> None:
        """The digest of a client secret, in any writing, does not authenticate the client."""
        house = busy.house
        for blob in blobs_of(values_of(house)):
            if len(blob) != 32:
                continue
            text = urlsafe_b64encode(blob).rstrip(b"=").decode()
            for secret in (text, f"tss_{text}", blob.hex()):
                code = await code_of(
                    house.authority.client_credentials(client_id=busy.service.id, client_secret=secret, network=NETWORK)
                )
                assert code in ("oauth.invalid_client", "throttled")

    async def test_a_password_is_kept_as_a_slow_hash_only(self, busy: Busy) -> None:
        """What is stored of a password is an Argon2id hash, and presented as the password it does not sign in."""
        house = busy.house
        stored = [value for value in values_of(house) if value.startswith(b"$argon2id$")]
        assert len(set(stored)) == 1
        code = await code_of(house.authority.sign_in(ADA, stored[0].decode(), network=NETWORK))
        assert code == "authentication.failed"

    async def test_sealed_keys_open_under_the_root_key_alone(self, busy: Busy, tmp_path: Path) -> None:
        """The dump of one house is worth nothing under the root key of another."""
        from tallystick.crypto.root_key import RootKey
        from tallystick.crypto.sealer import RootSealer
        from tallystick.errors import Misconfigured

        stranger = RootSealer(RootKey.load_or_create(tmp_path / "other.key"))
        keys = await busy.house.authority.keys()
        assert len(keys) == 2
        for key in keys:
            with pytest.raises(Misconfigured):
                stranger.unseal(f"signing-key:{key.kid}", key.sealed)
            assert busy.house.authority.world.sealer.unseal(f"signing-key:{key.kid}", key.sealed)

    async def test_no_factor_can_be_made_of_a_dump(self, kind: Kind, tmp_path: Path) -> None:
        """An app's secret is sealed, in the account and in an offer; recovery codes and handles are there as digests only."""
        async with a_house(kind, tmp_path) as house:
            owner = await an_owner(house, "totp")
            offered = await an_owner(house, email=BOB)
            offer = await house.authority.begin_totp(offered.cookie)
            pending = await owner.begin()
            dump, values = dump_of(house), values_of(house)
            secrets = [*owner.codes, *(code.replace("-", "") for code in owner.codes)]
            secrets += [revealed(one) for one in (offer.handle, offer.secret, pending.handle)]
            assert [form for secret in secrets for form in forms_of(secret) if form in dump] == []
            for raw in (owner.secret, b32decode(revealed(offer.secret))):
                forms = (raw, raw.hex().encode(), b32encode(raw), urlsafe_b64encode(raw).rstrip(b"="))
                assert [form for form in forms if form in dump] == []
            for blob in {one for one in blobs_of(values) if len(one) == 32}:
                for value in (urlsafe_b64encode(blob).rstrip(b"=").decode(), blob.hex()):
                    assert await code_of(owner.prove_value(f"tsh_{value}")) == "authentication.expired"

    @pytest.mark.parametrize("algorithm", ["HS256"])
    async def test_a_shared_key_is_sealed_too(self, kind: Kind, tmp_path: Path, algorithm: str) -> None:
        """With HS256 the key that both sides need is not in the dump and not in the published key set."""
        async with a_house(kind, tmp_path, replace(DEFAULT, signing_algorithm=algorithm)) as house:
            await house.person()
            browser = await house.sign_in()
            shared = house.authority.world.signer.shared_key_set()
            assert shared is not None
            key = json.loads(json.dumps(shared))["keys"][0]["k"]
            dump = dump_of(house)
            assert [form for form in forms_of(key) if form in dump] == []
            assert key.encode() not in await house.authority.key_set()
            tokens = await house.mint(browser.cookie)
            assert house.authority.verify(revealed(tokens.access_token)).id == browser.view.id
