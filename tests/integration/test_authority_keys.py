"""Keys, jobs, the log as an operator sees it, and what a house needs to start."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tallystick.authority import jobs
from tallystick.authority.revoke import EVERYTHING_TARGET
from tallystick.core.policy import DEFAULT
from tallystick.core.revocation.entry import ORIGIN, Kind
from tallystick.errors import Misconfigured, Unavailable
from tests.support.house import EXPORT, House, Time, a_house, code_of, database, revealed, verdict
from tests.support.house import Kind as StoreKind

pytestmark = pytest.mark.anyio


class TestKeys:
    """Keys are made, sealed, published."""

    @pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256", "Ed25519", "HS256"])
    async def test_every_algorithm_signs_what_a_verifier_takes(
        self, kind: StoreKind, tmp_path: Path, algorithm: str
    ) -> None:
        """Whichever algorithm a deployment chose, its tokens are good at the authority."""
        async with a_house(kind, tmp_path, replace(DEFAULT, signing_algorithm=algorithm)) as house:
            await house.person()
            browser = await house.sign_in()
            tokens = await house.mint(browser.cookie)
            assert verdict(house.authority, tokens.access_token) == "good"
            (key,) = await house.authority.keys()
            assert key.algorithm == algorithm
            published = json.loads(await house.authority.key_set())["keys"]
            assert [one["kid"] for one in published] == ([] if algorithm == "HS256" else [key.kid])
            assert all("d" not in one and "k" not in one for one in published)

    async def test_a_key_of_another_algorithm_takes_over_when_the_policy_changes(self, tmp_path: Path) -> None:
        """After a restart with another algorithm the old key signs on until the new one was announced long enough."""
        clock = Time()
        async with a_house("sqlite", tmp_path, at=clock) as house:
            await house.person()
            old = house.authority.world.signer.active
        async with a_house("sqlite", tmp_path, replace(DEFAULT, signing_algorithm="Ed25519"), at=clock) as house:
            assert house.authority.world.signer.active == old
            assert {key.algorithm for key in await house.authority.keys()} == {"ES256", "Ed25519"}
            await house.pass_time(2 * DEFAULT.key_set_max_age + 1)
            await jobs._keys(house.authority.world)
            assert house.authority.world.signer.active != old

    async def test_a_private_key_lies_sealed(self, tmp_path: Path) -> None:
        """Under another root key the same database does not start, and says why."""
        async with a_house("sqlite", tmp_path):
            pass
        (tmp_path / "root.key").unlink()
        with pytest.raises(Misconfigured, match="root key"):
            async with a_house("sqlite", tmp_path):
                pass


class TestTargets:
    """One verb, the target says what."""

    @pytest.mark.parametrize(
        ("name", "kind"),
        [("session", Kind.SESSION), ("principal", Kind.PRINCIPAL), ("client", Kind.CLIENT), ("key", Kind.KEY),
         ("all", Kind.ALL), ("look again: session", Kind.OUTDATED_SESSION), ("look again: person", Kind.OUTDATED_PRINCIPAL),
         ("look again: all", Kind.OUTDATED_ALL)],
    )  # fmt: skip
    async def test_every_target_is_one_entry_of_its_kind(self, house: House, name: str, kind: Kind) -> None:
        """The log shows what was ended, in order, each entry chained to the one before."""
        client, account = await house.app(), await house.person()
        tokens = await house.sign_in_app(client)
        key = house.authority.world.signer.active
        assert key is not None
        authority, because = house.authority, {"because": "test"}
        ways: dict[str, Callable[[], Awaitable[Any]]] = {
            "session": lambda: authority.revoke(tokens.session, **because),
            "principal": lambda: authority.revoke(account.id, **because),
            "client": lambda: authority.revoke(client, **because),
            "key": lambda: authority.revoke_key(key, **because),
            "all": lambda: authority.revoke(EVERYTHING_TARGET, **because),
            "look again: session": lambda: authority.outdate(tokens.session, **because),
            "look again: person": lambda: authority.outdate(account.id, **because),
            "look again: all": lambda: authority.outdate(EVERYTHING_TARGET, **because),
        }
        revoked = await ways[name]()
        (entry,) = await authority.log_page(ORIGIN, 10)
        assert entry.ending.kind is kind
        assert entry.position == revoked.position == await authority.head()
        assert verdict(authority, tokens.access_token) != "good"
        if name.startswith("look again"):
            assert verdict(authority, tokens.access_token) == "credential.outdated"
            new = await house.refresh(tokens.refresh_token, client)
            assert verdict(authority, new.access_token) == "good"

    async def test_ending_twice_is_once(self, house: House) -> None:
        """The second ending of a session answers with the place of the first."""
        client, _ = await house.app(), await house.person()
        tokens = await house.sign_in_app(client)
        first = await house.authority.revoke(tokens.session, because="test")
        second = await house.authority.revoke(tokens.session, because="again")
        assert second.position == first.position
        assert len(await house.authority.log_page(ORIGIN, 10)) == 1


class TestRunning:
    """What an authority does by itself, and what it refuses to start on."""

    async def test_uses_are_collected_and_flushed(self, house: House) -> None:
        """Using a cookie moves its idle clock, in memory first, in the store at the next flush."""
        await house.person()
        browser = await house.sign_in()
        await house.pass_time(100)
        await house.authority.view_of_cookie(revealed(browser.cookie))
        opened_at = browser.view.authenticated_at
        assert opened_at is not None

        async def active_at() -> int:
            row = (await house.door.store.facts_of_session(browser.view.id)).session
            return int(row.active_at)

        assert await active_at() < opened_at + 100
        await jobs.flush_uses(house.authority.world)
        assert await active_at() >= opened_at + 100
        assert house.authority.world.uses == {}

    async def test_uses_that_could_not_be_written_are_kept_for_the_next_flush(self, house: House) -> None:
        """Trouble of the store at a flush loses nothing."""
        await house.person()
        browser = await house.sign_in()
        await house.authority.view_of_cookie(revealed(browser.cookie))

        async def trouble(name: str, _: int) -> None:
            if name == "touch":
                raise Unavailable("the disk is full")

        with house.door.with_before(trouble), pytest.raises(Unavailable):
            await jobs.flush_uses(house.authority.world)
        assert set(house.authority.world.uses) == {browser.view.id}
        await jobs.flush_uses(house.authority.world)
        assert house.authority.world.uses == {}

    async def test_sweeping_forgets_what_nobody_needs(self, house: House) -> None:
        """Rows of sessions that are long over go; live ones stay, and what is gone is still refused."""
        client, account = await house.app(), await house.person()
        browser = await house.sign_in()
        app = await house.sign_in_app(client)
        await house.pass_time(DEFAULT.browser.absolute_lifetime + 3600)
        assert await house.authority.sweep() >= 1
        assert (await house.door.store.facts_of_session(browser.view.id)).session is None
        assert await code_of(house.authority.view_of_cookie(revealed(browser.cookie))) == "session.ended"
        assert [row.id for row in await house.authority.sessions_of(account.id)] == [app.session]
        assert await code_of(house.refresh(app.refresh_token, client)) == "good"

    async def test_a_store_belongs_to_one_issuer(self, tmp_path: Path) -> None:
        """Another issuer on the same database is refused at the start."""
        from tallystick import Authority, open_stores
        from tests.support.house import CALM, store_url

        async with a_house("sqlite", tmp_path):
            pass
        other = Authority(
            "https://other.example",
            open_stores(store_url(tmp_path)),
            policy=replace(DEFAULT, staleness=CALM),
            root_key_file=tmp_path / "root.key",
        )
        with pytest.raises(Misconfigured, match="belongs to the issuer"):
            async with other:
                pass

    async def test_an_authority_that_does_not_run_says_503(self, house: House) -> None:
        """Before it was entered, an authority answers that it is unavailable."""
        from tallystick import Authority, open_stores

        idle = Authority("https://other.example", open_stores("memory://"), root_key_file=house.folder / "root.key")
        assert not idle.ready()
        with pytest.raises(Unavailable):
            idle.verify("x")

    async def test_draining_shows_and_nothing_breaks(self, house: House) -> None:
        """An authority that is about to stop says so to the load balancer and goes on answering."""
        await house.person()
        browser = await house.sign_in()
        assert house.authority.ready()
        house.authority.drain()
        assert not house.authority.ready()
        assert await code_of(house.mint(browser.cookie)) == "good"

    async def test_a_lifespan_hands_the_authority_on(self, tmp_path: Path) -> None:
        """An application finds the authority in its lifespan state under one name."""
        from tallystick import Authority, open_stores

        authority = Authority(
            "https://notes.example/auth", open_stores("memory://"), root_key_file=tmp_path / "root.key"
        )
        async with authority.lifespan() as state:
            assert state == {"tallystick": authority}
            assert authority.ready()
        assert not authority.ready()

    async def test_everything_of_a_house_is_in_one_file(self, tmp_path: Path) -> None:
        """Accounts, clients, sessions, log and keys survive in the database alone, beside its root key."""
        clock = Time()
        async with a_house("sqlite", tmp_path, at=clock) as house:
            client, account = await house.app(audiences=[EXPORT]), await house.person()
            app = await house.sign_in_app(client)
            await house.authority.outdate(account.id, because="test")
        with closing(sqlite3.connect(database(tmp_path))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        async with a_house("sqlite", tmp_path, at=clock) as house:
            assert (await house.authority.find_account(account.id)) is not None
            assert len(await house.authority.log_page(ORIGIN, 10)) == 1
            assert await code_of(house.refresh(app.refresh_token, client)) == "good"
