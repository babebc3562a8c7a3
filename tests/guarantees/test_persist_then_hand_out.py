"""PersistThenHandOut: no credential leaves before the commit that makes it true."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tallystick import open_stores
from tallystick.core.credentials.refresh_token import parse_refresh_token
from tallystick.core.secret import Digest
from tallystick.core.session.model import AppHolder
from tallystick.errors import Unavailable
from tests.support.factors import an_owner
from tests.support.house import ADA, BOB, NETWORK, NEW_PASSWORD, PASSWORD, House, Pause, a_house, code_of, revealed

pytestmark = pytest.mark.anyio


class Stage:
    """What the use cases below begin from, and what each hands out."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.made = 0

    async def prepare(self) -> Stage:
        """Makes an account, clients, a browser's session and an app's."""
        house = self.house
        self.client = await house.app()
        await house.person()
        self.browser = await house.sign_in()
        self.app = await house.sign_in_app(self.client)
        return self

    async def do(self, name: str) -> Any:
        """Does one of the use cases that hand out something after a commit."""
        house, cookie = self.house, revealed(self.browser.cookie)
        acts: dict[str, Callable[[], Awaitable[Any]]] = {
            "sign in": house.sign_in,
            "sign in again": lambda: house.sign_in(cookie=cookie),
            "sign in by an app": lambda: house.sign_in_app(self.client),
            "step up": lambda: house.authority.step_up(cookie, PASSWORD, network=NETWORK),
            "open from": lambda: house.open_from(self.browser.cookie, self.client),
            "rotate": lambda: house.refresh(self.app.refresh_token, self.client),
            "end all but": lambda: house.authority.end_all_but(cookie),
            "change the password": lambda: house.authority.change_password(
                cookie, PASSWORD, NEW_PASSWORD, network=NETWORK
            ),
            "service": self._service,
            "register a client": lambda: house.authority.create_client("web", kind="web"),
            "begin with two factors": lambda: self.owner.begin(),
            "prove a code": self._prove,
            "prove a code in an app": self._prove_app,
            "step up by a code": self._step_up,
            "renew recovery codes": lambda: house.authority.renew_recovery_codes(self.owner.cookie),
        }
        return await acts[name]()

    async def _service(self) -> Any:
        service, secret = self.service
        return await self.house.authority.client_credentials(
            client_id=service.id, client_secret=secret, network=NETWORK
        )

    async def with_factor(self) -> None:
        """Makes somebody who needs two factors, with a step of each kind begun."""
        self.owner = await an_owner(self.house, "totp", email=BOB)
        self.pending = await self.owner.begin()
        self.pending_app = await self.owner.begin_app(self.client)
        self.asked = await self.house.authority.begin_step_up(self.owner.cookie)

    async def _prove(self) -> Any:
        return await self.owner.prove(self.pending, self.owner.by_code())

    async def _prove_app(self) -> Any:
        return await self.owner.prove(self.pending_app, self.owner.by_code(), deliver="tokens")

    async def _step_up(self) -> Any:
        return await self.owner.prove(self.asked, self.owner.by_code(), cookie=self.owner.cookie)

    service: Any = None


ACTS = (
    "sign in", "sign in again", "sign in by an app", "step up", "open from", "rotate", "end all but",
    "change the password", "service", "register a client", "begin with two factors", "prove a code",
    "prove a code in an app", "step up by a code", "renew recovery codes",
)  # fmt: skip


class Spy:
    """Counts what is signed and derived, in the authority as it runs."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[str] = []
        signer = house.authority.world.signer
        house.authority.world.signer = self._watched(signer)
        derive = "tallystick.authority.deliver.derive_refresh_token"
        from tallystick.core.credentials.refresh_token import derive_refresh_token

        def derived(*arguments: Any) -> Any:
            self.made.append("refresh token")
            return derive_refresh_token(*arguments)

        monkeypatch.setattr(derive, derived)

    def _watched(self, signer: Any) -> Any:
        spy = self

        class Watched:
            """A signer that says when it signs."""

            def __getattr__(self, name: str) -> Any:
                return getattr(signer, name)

            def sign(self, claims: Any) -> str:
                spy.made.append("access token")
                return str(signer.sign(claims))

        return Watched()


class TestPersistThenHandOut:
    """First the commit, then the credential."""

    @pytest.mark.parametrize("act", ACTS)
    async def test_nothing_is_made_while_the_commit_is_under_way(
        self, house: House, act: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """While the store still writes, no token is signed or derived and nothing has been answered."""
        stage = await Stage(house).prepare()
        stage.service = await house.service()
        await stage.with_factor()
        spy, pause = Spy(house, monkeypatch), Pause()
        seen: list[list[str]] = []

        async def before(name: str, _: int) -> None:
            if name == "commit":
                await pause.here()

        async def meanwhile() -> None:
            seen.append(list(spy.made))

        with house.door.with_before(before):
            answer = await pause.run(stage.do(act), meanwhile)
        assert seen == [[]]
        assert answer is not None

    @pytest.mark.parametrize("act", ACTS)
    async def test_a_commit_that_fails_hands_out_nothing(
        self, house: House, act: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """When the store cannot write, the answer is 503 and no credential was made at all."""
        stage = await Stage(house).prepare()
        stage.service = await house.service()
        await stage.with_factor()
        spy = Spy(house, monkeypatch)

        async def before(name: str, _: int) -> None:
            if name == "commit":
                raise Unavailable("the disk is full")

        with house.door.with_before(before):
            assert await code_of(stage.do(act)) == "unavailable"
        assert spy.made == []

    @pytest.mark.parametrize("act", ["sign in", "sign in again", "step up", "end all but", "change the password",
                                     "prove a code", "step up by a code"])  # fmt: skip
    async def test_a_new_cookie_is_in_the_store_when_it_is_handed_out(self, house: House, act: str) -> None:
        """What a browser gets is what the store has: the digest of exactly this cookie."""
        stage = await Stage(house).prepare()
        await stage.with_factor()
        signed = await stage.do(act)
        facts = await house.door.store.facts_of_session(Digest.of(revealed(signed.cookie)))
        assert facts.session is not None
        assert facts.session.id == signed.view.id
        assert facts.session.holder.cookie == Digest.of(revealed(signed.cookie))

    @pytest.mark.parametrize("act", ["sign in by an app", "open from", "rotate", "prove a code in an app"])
    async def test_a_new_refresh_token_is_in_the_store_when_it_is_handed_out(self, house: House, act: str) -> None:
        """What an app gets is the generation that the store has."""
        stage = await Stage(house).prepare()
        await stage.with_factor()
        tokens = await stage.do(act)
        token = parse_refresh_token(revealed(tokens.refresh_token), house.authority.world.sealer.refresh_masters())
        assert token is not None
        row = (await house.door.store.facts_of_session(tokens.session)).session
        assert row is not None
        assert isinstance(row.holder, AppHolder)
        assert row.holder.generation == token.generation


class TestPersistThenHandOutOnDisk:
    """The same, seen by somebody else who reads the file."""

    @pytest.mark.parametrize("act", ["sign in", "rotate", "open from"])
    async def test_another_reader_of_the_file_sees_it_at_once(self, tmp_path: Path, act: str) -> None:
        """The moment an answer is there, a process that opens the database anew finds what it rests on."""
        async with a_house("sqlite", tmp_path) as house:
            stage = await Stage(house).prepare()
            answer = await stage.do(act)
            name = answer.view.id if act == "sign in" else answer.session
            other = open_stores(house.url)
            await other.open(house.authority.policy.staleness)
            try:
                row = (await other.facts_of_session(name)).session
                assert row is not None
                assert row.ended is None
                if act == "rotate":
                    assert isinstance(row.holder, AppHolder)
                    assert row.holder.generation == 1
                account = (await other.facts_of_account(ADA)).account
                assert account is not None
                assert row.principal == account.id
            finally:
                await other.close()
