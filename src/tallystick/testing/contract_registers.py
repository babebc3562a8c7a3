"""The contract of accounts, clients, keys, counters and settings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallystick.core.ids import ClientId
from tallystick.core.keys.lifecycle import KeyState
from tallystick.core.revocation.entry import ORIGIN, Kind
from tallystick.core.secret import Digest
from tallystick.errors import AlreadyExists, Conflict
from tallystick.identity.throttle import Attempts
from tallystick.ports import PutAccount, PutClient, PutKeys
from tallystick.testing.contract_base import Contract
from tallystick.testing.stage import Stage, a_key, principal_id


class Registers(Contract):
    """What is kept beside the sessions."""

    async def test_an_account_is_found_by_id_and_by_identifier(self, stage: Stage) -> None:
        """An id is never taken for an identifier; what is not there is None."""
        ada = await stage.account()
        await stage.account("eve", identifier=str(ada.id))
        assert (await stage.store.facts_of_account(ada.id)).account == ada
        assert (await stage.store.facts_of_account("ada@example.com")).account == ada
        eve = (await stage.store.facts_of_account(str(ada.id))).account
        assert eve is not None
        assert eve.id == principal_id("eve")
        assert (await stage.store.facts_of_account("nobody@example.com")).account is None
        cut = await stage.cut(Kind.PRINCIPAL, ada.id)
        assert (await stage.store.facts_of_account(ada.id)).cuts.principal == cut.position
        assert (await stage.store.facts_of_account(eve.id)).cuts.principal == ORIGIN

    async def test_an_account_and_a_client_are_read_together(self, stage: Stage) -> None:
        """A sign-in of an app reads both, with the cuts of both, in one moment."""
        ada, client = await stage.account(), await stage.client()
        first = await stage.cut(Kind.CLIENT, client.id)
        second = await stage.cut(Kind.ALL, "")
        facts = await stage.store.facts_of_account_and_client("ada@example.com", client.id)
        assert (facts.account, facts.client, facts.session) == (ada, client, None)
        assert (facts.cuts.client, facts.cuts.everything) == (first.position, second.position)
        assert (await stage.store.facts_of_account_and_client(ada.id, ClientId("nobody"))).client is None

    async def test_an_account_without_a_password_or_permission_comes_back(self, stage: Stage) -> None:
        """Nothing is not the same as empty."""
        account = await stage.account("bare", password_hash=None, permissions=frozenset(), enabled=False)
        assert (await stage.store.facts_of_account(account.id)).account == account

    async def test_an_identifier_belongs_to_one_account(self, stage: Stage) -> None:
        """A second account of the same identifier exists already, whether it is made or renamed."""
        await stage.account("ada")
        bob = await stage.account("bob")
        with pytest.raises(AlreadyExists):
            await stage.account("eve", identifier="ada@example.com")
        with pytest.raises(AlreadyExists):
            await stage.commit(PutAccount(replace(bob, identifier="ada@example.com")))
        assert (await stage.store.facts_of_account(bob.id)).account == bob

    async def test_an_account_of_another_version_is_not_written(self, stage: Stage) -> None:
        """An account that changed since it was loaded, or that is there or missing against what was thought, conflicts."""
        ada = await stage.account()
        changed = replace(ada, permissions=frozenset({"x"}))
        await stage.commit(PutAccount(changed))
        for stale in (changed, replace(ada, version=0), stage.an_account("nobody", version=3)):
            with pytest.raises(Conflict):
                await stage.commit(PutAccount(stale))
        assert (await stage.store.facts_of_account(ada.id)).account == replace(changed, version=2)

    async def test_a_client_is_written_like_an_account(self, stage: Stage) -> None:
        """Every field of a client comes back; another version conflicts."""
        two = (Digest.of("one"), Digest.of("two"))
        client = await stage.client("web", kind="web", first_party=False, secrets=two, audiences=("urn:a", "urn:b"))
        assert (await stage.store.facts_of_client(client.id)).client == client
        disabled = replace(client, enabled=False, secrets=())
        await stage.commit(PutClient(disabled))
        assert (await stage.store.facts_of_client(client.id)).client == replace(disabled, version=2)
        for stale in (client, replace(client, version=0), stage.a_client("nobody", version=1)):
            with pytest.raises(Conflict):
                await stage.commit(PutClient(stale))

    async def test_a_client_comes_with_its_newest_service_session(self, stage: Stage) -> None:
        """The read for client_credentials gives the one session to mint from, and never an app's or an ended one."""
        client = await stage.client("export", kind="service")
        await stage.open(await stage.an_app(client="export"))
        assert (await stage.store.facts_of_client(client.id)).session is None
        old = await stage.open(await stage.a_service("old"))
        cut = await stage.cut(Kind.CLIENT, client.id)
        new = await stage.open(await stage.a_service("new"))
        facts = await stage.store.facts_of_client(client.id)
        assert (facts.session, facts.client, facts.cuts.client) == (new, client, cut.position)
        await stage.close_session(new)
        assert (await stage.store.facts_of_client(client.id)).session == old

    async def test_accounts_and_clients_are_listed_in_pages(self, stage: Stage) -> None:
        """Each page begins after the last of the one before."""
        for name in ("cy", "ada", "bob"):
            await stage.account(name)
            await stage.client(name)
        first = await stage.store.accounts("", 2)
        assert [one.identifier for one in first] == ["ada@example.com", "bob@example.com"]
        assert [one.id for one in await stage.store.accounts(first[-1].identifier, 2)] == [principal_id("cy")]
        assert [one.id for one in await stage.store.clients("ada", 10)] == ["bob", "cy"]

    async def test_audiences_are_those_of_enabled_clients(self, stage: Stage) -> None:
        """A disabled client registers no audience."""
        await stage.client("one", audiences=("urn:a", "urn:b"))
        await stage.client("two", audiences=("urn:b", "urn:c"))
        await stage.client("off", audiences=("urn:d",), enabled=False)
        assert await stage.store.audiences() == {"urn:a", "urn:b", "urn:c"}

    async def test_keys_are_replaced_as_a_whole(self, stage: Stage) -> None:
        """Keys come back in order with the version of their set; a set that changed meanwhile is not overwritten."""
        assert await stage.store.keys() == ((), 0)
        keys = (a_key("b"), replace(a_key("a", KeyState.RETIRING), retiring_at=5, retired_at=6, revoked_at=7))
        await stage.commit(PutKeys(keys, 0))
        assert await stage.store.keys() == (keys, 1)
        with pytest.raises(Conflict):
            await stage.commit(PutKeys((), 0))
        await stage.commit(PutKeys(keys[1:], 1))
        assert await stage.store.keys() == (keys[1:], 2)

    async def test_attempts_are_changed_by_a_rule_and_told_as_they_were(self, stage: Stage) -> None:
        """A counter begins at nothing; each change is applied to what the one before left."""
        assert await stage.store.count("k", lambda _: Attempts(1, 10)) == Attempts()
        assert await stage.store.count("k", lambda held: replace(held, failures=held.failures + 1)) == Attempts(1, 10)
        assert await stage.store.attempts(["k", "other"]) == [Attempts(2, 10), Attempts()]

    async def test_a_rule_that_fails_changes_no_attempts(self, stage: Stage) -> None:
        """An error of the rule reaches whoever asked, and the counter stays."""
        with pytest.raises(ZeroDivisionError):
            await stage.store.count("k", lambda held: Attempts(1 // held.failures))
        assert await stage.store.attempts(["k"]) == [Attempts()]

    async def test_a_setting_is_kept(self, stage: Stage) -> None:
        """A small setting is None until it is written."""
        assert await stage.store.setting("issuer") is None
        assert await stage.store.setting("issuer", "https://a.example") == "https://a.example"
        assert await stage.store.setting("issuer") == "https://a.example"
