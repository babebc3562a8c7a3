"""Links in mails: addresses are verified, forgotten passwords replaced, and nobody learns who has an account."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tallystick.authority import errands
from tallystick.core.policy import DEFAULT
from tallystick.core.session.handle import digest_of_handle
from tallystick.errors import InvalidRequest, PasswordRefused, Unavailable
from tallystick.identity.account import Account
from tests.support.house import (
    ADA,
    BOB,
    ISSUER,
    NETWORK,
    NEW_PASSWORD,
    PASSWORD,
    House,
    Kind,
    a_house,
    code_of,
    revealed,
)
from tests.support.letterbox import Letterbox

pytestmark = pytest.mark.anyio
ELSEWHERE = "198.51.100.7"
EVIL = "a stranger's own long password"


@dataclass
class Post:
    """A house with a mailer."""

    house: House
    box: Letterbox

    @property
    def authority(self) -> Any:
        """Its authority."""
        return self.house.authority

    async def sign_up(self, email: str = ADA, password: str = PASSWORD, network: str = NETWORK) -> None:
        """Signs up and waits until what it causes is done."""
        assert await self.authority.sign_up(email, password, network=network) is None
        await self.authority.world.errands.done()

    async def ask(self, email: str = ADA, network: str = NETWORK) -> None:
        """Asks for a new password and waits until what it causes is done."""
        await self.authority.ask_for_reset(email, network=network)
        await self.authority.world.errands.done()

    async def ada(self, email: str = ADA) -> Account:
        """Makes a verified account."""
        await self.sign_up(email)
        account: Account = await self.authority.verify_address(self.box.link(), PASSWORD, network=NETWORK)
        return account

    async def reset(self, link: str | None = None, new: str = NEW_PASSWORD) -> str:
        """Replaces a password and gives `good` or the code of the error."""
        return await code_of(self.authority.reset_password(link or self.box.link(), new, network=NETWORK))

    async def verify(self, link: str | None = None, password: str = PASSWORD) -> str:
        """Verifies an address and gives `good` or the code of the error."""
        return await code_of(self.authority.verify_address(link or self.box.link(), password, network=NETWORK))

    async def signs_in(self, password: str = PASSWORD, email: str = ADA, network: str = ELSEWHERE) -> str:
        """Signs in and gives `good` or the code of the error."""
        return await code_of(self.authority.sign_in(email, password, network=network))

    def facts(self, name: str) -> list[dict[str, str]]:
        """Gives the facts of the events of a name."""
        return [dict(event.facts) for event in self.house.events if event.name == name]


@pytest.fixture
async def post(kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Post]:
    """A house with a mailer on each kind of store, whose errands begin at once."""
    monkeypatch.setattr(errands, "SPREAD_S", 0.0)
    monkeypatch.setattr(errands, "PAUSES_S", (0.0, 0.0))
    box = Letterbox()
    async with a_house(kind, tmp_path, mailer=box) as house:
        yield Post(house, box)


class TestSigningUp:
    """With mail there is no account until whoever reads mail at the address says so."""

    async def test_an_account_begins_with_its_link_and_its_password(self, post: Post) -> None:
        """Sign up, open the link, give the password again: the account is there, verified, and signs in."""
        await post.sign_up("Ada@Example.com")
        digest = digest_of_handle(post.box.link())
        assert digest is not None
        handle = await post.authority.world.store.find_handle(digest)
        # The hash is sealed, not only hashed: the hasher of this test marks passwords by turning them round.
        assert PASSWORD[::-1] not in b64decode(handle.facts["password"]).decode("latin-1")
        assert await post.signs_in() == "authentication.failed"
        assert await post.authority.accounts() == []
        account = await post.authority.verify_address(post.box.link(), PASSWORD, network=NETWORK)
        assert account.verified_at == account.created_at
        assert (account.email, account.identifier, account.permissions) == ("Ada@Example.com", ADA, frozenset())
        assert await post.signs_in() == "good"
        assert post.box.url().startswith(f"{ISSUER}/verify?link=tsh_")
        (letter,) = post.box.letters
        assert (letter.kind, letter.to) == ("verify", "Ada@Example.com")

    async def test_a_taken_address_is_told_by_mail_alone(self, post: Post) -> None:
        """Whoever signs up with a taken address gets the same answer; the owner's mailbox gets the news, and nothing changes."""
        ada = await post.ada("Ada@Example.com")
        await post.sign_up(ADA.upper(), EVIL, network=ELSEWHERE)
        assert post.box.kinds("Ada@Example.com") == ["verify", "taken"]
        assert await post.authority.find_account(ADA) == ada
        assert await post.signs_in(EVIL) == "authentication.failed"
        assert await post.signs_in() == "good"

    async def test_a_stranger_who_signs_up_first_gets_nothing(self, post: Post) -> None:
        """A stranger signs up with somebody's address; the owner's own sign-up, and its link, are not touched by that."""
        await post.sign_up(ADA, EVIL, network=ELSEWHERE)
        await post.sign_up(ADA, PASSWORD)
        assert await post.verify() == "good"
        assert await post.signs_in(EVIL) == "authentication.failed"
        assert await post.signs_in() == "good"
        assert await post.verify(post.box.link(0), EVIL) == "link.invalid"
        assert await post.signs_in() == "good"

    async def test_a_click_on_a_strangers_sign_up_makes_no_account(self, post: Post) -> None:
        """Whoever opens a link that a stranger caused does not know the stranger's password, and nothing happens."""
        await post.sign_up(ADA, EVIL, network=ELSEWHERE)
        assert await post.verify(password=PASSWORD) == "authentication.failed"
        assert await post.authority.accounts() == []
        assert await post.verify(password=EVIL) == "good"

    async def test_a_password_that_breaks_a_rule_is_said_at_once(self, post: Post) -> None:
        """What does not depend on the account is answered directly."""
        with pytest.raises(PasswordRefused):
            await post.authority.sign_up(ADA, "short", network=NETWORK)
        with pytest.raises(InvalidRequest):
            await post.authority.sign_up("no address", PASSWORD, network=NETWORK)
        await post.authority.world.errands.done()
        assert post.box.letters == []

    async def test_guesses_at_the_password_behind_a_link_are_slowed_down(self, post: Post) -> None:
        """Whoever has a link but not the password cannot try many."""
        await post.sign_up()
        codes = [await post.verify(password=f"wrong guess number {number}") for number in range(8)]
        assert codes[0] == "authentication.failed"
        assert codes[-1] == "throttled"

    async def test_a_disabled_account_gets_no_mail(self, post: Post) -> None:
        """Who was disabled is not written to, and the address stays taken."""
        ada = await post.ada()
        await post.authority.disable_account(ada.id, because="test")
        await post.sign_up()
        await post.ask()
        assert post.box.kinds(ADA) == ["verify"]

    async def test_two_links_for_one_address_make_one_account(self, post: Post) -> None:
        """Two sign-ups of one address that are verified at the same moment: one account, the other link is void."""
        await post.sign_up()
        await post.sign_up(password=NEW_PASSWORD)
        codes = await asyncio.gather(post.verify(post.box.link(0)), post.verify(post.box.link(1), NEW_PASSWORD))
        assert sorted(codes) == ["good", "link.invalid"]
        assert len(await post.authority.accounts()) == 1


class TestForgotten:
    """A forgotten password is replaced by a link, once, and everything that was signed in is out."""

    async def test_a_link_replaces_the_password_and_ends_every_session(self, post: Post) -> None:
        """Browser, app and offline access end in the same step; nobody is signed in by it; the owner gets a notice."""
        ada = await post.ada()
        signed = await post.house.sign_in()
        client = await post.house.app()
        app = await post.house.sign_in_app(client)
        offline = await post.authority.open_from(
            revealed(signed.cookie), client_id=client, scope=frozenset(), bound=False
        )
        await post.ask()
        assert post.box.letters[-1].words["minutes"] == 30
        assert await post.reset() == "good"
        assert await code_of(post.authority.view_of_cookie(revealed(signed.cookie))) == "session.ended"
        for tokens in (app, offline):
            assert await code_of(post.house.refresh(tokens.refresh_token, client)) == "session.ended"
        assert await post.authority.sessions_of(ada.id) == []
        assert await post.signs_in(PASSWORD) == "authentication.failed"
        assert await post.signs_in(NEW_PASSWORD) == "good"
        assert post.box.kinds(ADA) == ["verify", "reset", "password_changed"]

    async def test_a_link_works_once(self, post: Post) -> None:
        """The second use is refused, and does not change the password again."""
        await post.ada()
        await post.ask()
        digest = digest_of_handle(post.box.link())
        assert digest is not None
        assert [await post.reset(), await post.reset(new=EVIL)] == ["good", "link.invalid"]
        handle = await post.authority.world.store.find_handle(digest)
        assert handle is None or handle.consumed_at is not None
        assert await post.signs_in(NEW_PASSWORD) == "good"

    async def test_a_link_used_twice_at_once_has_one_winner(self, post: Post) -> None:
        """Ten uses at the same moment change the password once."""
        await post.ada()
        await post.ask()
        codes = await asyncio.gather(*(post.reset(new=f"{NEW_PASSWORD} {number}") for number in range(8)))
        assert sorted(codes) == ["good"] + ["link.invalid"] * 7
        found = [await post.signs_in(f"{NEW_PASSWORD} {number}", network=f"203.0.{number}.1") for number in range(8)]
        assert [code == "good" for code in found] == [code == "good" for code in codes]

    async def test_every_change_of_the_password_kills_the_links_before_it(self, post: Post) -> None:
        """A link in an old mail is void once the password was changed, by another link or by hand, within the same second too."""
        post.house.time.stop()
        await post.ada()
        await post.ask()
        await post.ask()
        older, newer = post.box.link(-2), post.box.link(-1)
        signed = await post.house.sign_in()
        assert await post.reset(newer) == "good"
        assert await post.reset(older, EVIL) == "link.invalid"
        await post.ask()
        signed = await post.authority.sign_in(ADA, NEW_PASSWORD, network=NETWORK)
        await post.authority.change_password(revealed(signed.cookie), NEW_PASSWORD, PASSWORD, network=NETWORK)
        assert await post.reset(new=EVIL) == "link.invalid"
        assert await post.signs_in(PASSWORD) == "good"

    async def test_a_newer_link_leaves_the_older_one_good(self, post: Post) -> None:
        """A stranger who asks for a link again does not spoil the one that its owner is about to open."""
        await post.ada()
        await post.ask()
        await post.ask(network=ELSEWHERE)
        assert await post.reset(post.box.link(-2)) == "good"

    async def test_a_link_is_void_after_half_an_hour(self, post: Post) -> None:
        """Time takes a link away, and a used-up one does nothing."""
        await post.ada()
        await post.ask()
        await post.sign_up(BOB)
        post.house.time.ahead += DEFAULT.link_lifetime
        assert await post.reset(post.box.link(-2)) == "link.invalid"
        assert await post.verify() == "link.invalid"

    async def test_a_link_of_one_kind_is_none_of_another(self, post: Post) -> None:
        """What verifies an address resets no password, and the other way round."""
        await post.ada()
        await post.ask()
        reset = post.box.link()
        await post.sign_up(BOB)
        assert await post.reset() == "link.invalid"
        assert await post.verify(reset) == "link.invalid"
        assert await post.reset("tsh_" + "A" * 43) == "link.invalid"
        assert await post.reset("no link") == "link.invalid"

    async def test_a_password_that_breaks_a_rule_does_not_use_the_link_up(self, post: Post) -> None:
        """Whoever chooses a bad password tries again with the same link."""
        await post.ada()
        await post.ask()
        assert await post.reset(new="short") == "password.refused"
        assert await post.reset() == "good"

    async def test_a_disabled_account_cannot_be_reset(self, post: Post) -> None:
        """A link that was sent before the account was disabled is void."""
        ada = await post.ada()
        await post.ask()
        await post.authority.disable_account(ada.id, because="test")
        assert await post.reset() == "link.invalid"

    async def test_nobody_is_written_to_who_has_no_account(self, post: Post) -> None:
        """An unknown address gets the same answer and no mail; it is told to the events alone."""
        await post.ask("nobody@example.com")
        assert post.box.letters == []
        assert post.facts("link.withheld") == [{"kind": "reset", "because": "no account"}]

    async def test_mail_goes_to_the_address_of_the_account_never_to_what_was_typed(self, post: Post) -> None:
        """An address that folds to the owner's, but is another mailbox, gets nothing."""
        await post.ada("mike@example.com")
        await post.ask("miKe@example.com")
        await post.sign_up("ｍike@example.com", EVIL)
        assert {letter.to for letter in post.box.letters} == {"mike@example.com"}
        assert post.box.kinds("mike@example.com") == ["verify", "reset", "taken"]

    async def test_an_account_without_a_verified_address_is_verified_by_its_link(self, post: Post) -> None:
        """Whoever opens the link has proved to read mail at the address."""
        made = await post.authority.create_account(ADA, PASSWORD)
        assert made.verified_at is None
        await post.ask()
        done = await post.authority.reset_password(post.box.link(), NEW_PASSWORD, network=NETWORK)
        assert done.account.verified_at is not None

    async def test_a_sign_in_that_relied_on_the_old_password_dies(self, post: Post) -> None:
        """A reset that comes between the check of a password and the session that it opens wins."""
        await post.ada()
        await post.ask()
        waiting, go_on = asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            waiting.set()
            await go_on.wait()

        post.house.hasher.before_answer = hold
        signing = asyncio.create_task(post.signs_in(PASSWORD))
        await waiting.wait()
        post.house.hasher.before_answer = None
        assert await post.reset() == "good"
        go_on.set()
        assert await signing == "authentication.failed"

    async def test_our_trouble_uses_no_link_up(self, post: Post) -> None:
        """A store or a hashing queue in trouble is 503, and the link is good afterwards."""
        await post.ada()
        await post.ask()
        post.house.hasher.trouble = Unavailable("full")
        assert await post.reset() == "unavailable"
        post.house.hasher.trouble = None
        assert await post.reset() == "good"


class TestBounds:
    """Nobody's mailbox is flooded, and nobody is told when that is prevented."""

    async def test_mails_to_one_address_are_bounded_whoever_asks(self, post: Post) -> None:
        """From however many networks, and in whatever spelling: a handful of mails, then silence, and time helps."""
        await post.ada()
        sent = len(post.box.letters)
        for number in range(20):
            email = ADA.upper() if number % 2 else ADA
            await post.ask(email, network=f"203.0.{number}.1")
        assert len(post.box.letters) - sent <= 4
        assert post.facts("link.withheld")[-1] == {"kind": "reset", "because": "too many"}
        await post.house.pass_time(7200)
        await post.ask()
        assert post.box.letters[-1].kind == "reset"

    async def test_one_network_asks_for_a_bounded_number_of_links(self, post: Post) -> None:
        """Whoever asks for one address after the other is told to wait, whether or not they have accounts."""
        codes = [
            await code_of(post.authority.ask_for_reset(f"a{number}@example.com", network=NETWORK))
            for number in range(12)
        ]
        assert codes[:10] == ["good"] * 10
        assert codes[-1] == "throttled"

    async def test_guesses_at_links_are_slowed_down_and_the_right_one_is_not(self, post: Post) -> None:
        """A network that presents links which are none must wait; a good link works from there all the same."""
        await post.ada()
        await post.ask()
        codes = [await post.reset("tsh_" + "B" * 42 + chr(65 + number)) for number in range(15)]
        assert codes[0] == "link.invalid"
        assert codes[-1] == "throttled"
        assert await post.reset() == "good"

    async def test_forged_refresh_tokens_are_slowed_down_and_the_right_one_is_not(self, post: Post) -> None:
        """A network that presents tokens which were never issued must wait; a good token is traded all the same."""
        await post.ada()
        client = await post.house.app()
        tokens = await post.house.sign_in_app(client)
        forged = revealed(tokens.refresh_token)[:-4] + "AAAA"
        codes = [await code_of(post.authority.refresh(forged, client_id=client, network=NETWORK)) for _ in range(25)]
        assert codes[0] == "credential.malformed"
        assert codes[-1] == "throttled"
        assert (
            await code_of(post.authority.refresh(revealed(tokens.refresh_token), client_id=client, network=NETWORK))
            == "good"
        )


class TestErrands:
    """What is done after the answer is done, or told."""

    async def test_a_link_is_committed_before_it_is_mailed(self, post: Post) -> None:
        """When the letter is posted, its link is in the store already; where it cannot be written, no mail goes out."""
        await post.ada()
        found = []
        world, keep = post.authority.world, post.box.post

        def look(letter: Any) -> None:
            keep(letter)
            digest = digest_of_handle(post.box.link())
            assert digest is not None
            found.append(asyncio.ensure_future(world.store.find_handle(digest)))

        post.box.post = look  # type: ignore[method-assign]
        await post.ask()
        assert await found[0] is not None
        real = world.store.commit

        async def away(*_: Any, **__: Any) -> Any:
            raise Unavailable("away")

        world.store.commit = away
        posted = len(post.box.letters)
        await post.ask()
        world.store.commit = real
        assert len(post.box.letters) == posted

    async def test_a_store_that_is_away_for_a_moment_loses_no_mail(self, post: Post) -> None:
        """An errand that met trouble is tried again, and then the mail is there."""
        await post.ada()
        failures = [Unavailable("away"), Unavailable("away")]
        world, facts_of_account = post.authority.world, post.authority.world.store.facts_of_account

        async def facts(name: Any) -> Any:
            if failures:
                raise failures.pop()
            return await facts_of_account(name)

        world.store.facts_of_account = facts
        await post.ask()
        assert post.box.letters[-1].kind == "reset"

    async def test_an_errand_that_cannot_be_done_is_told_and_the_next_is_done(self, post: Post) -> None:
        """Trouble that lasts, and a mistake of ours, are told to the events; the queue goes on."""
        await post.ada()
        world, done = post.authority.world, []

        async def away() -> None:
            raise Unavailable("away")

        async def broken() -> None:
            raise RuntimeError("a mistake")

        async def good() -> None:
            done.append(True)

        for name, work in (("away", away), ("broken", broken), ("good", good)):
            world.errands.add(name, work)
        await world.errands.done()
        assert done == [True]
        assert post.facts("job.failed") == [
            {"job": "away", "code": "unavailable"},
            {"job": "broken", "code": "internal"},
        ]

    async def test_more_than_fits_is_refused_before_anything_is_looked_up(self, post: Post) -> None:
        """A flood of wishes is 503, the same for every address."""
        world = post.authority.world
        world.errands._limit = 0
        assert await code_of(post.authority.ask_for_reset(ADA, network=NETWORK)) == "overloaded"
        assert await code_of(post.authority.ask_for_reset("nobody@example.com", network=NETWORK)) == "overloaded"


async def test_what_was_asked_for_last_is_done_when_the_process_ends(kind: Kind, tmp_path: Path) -> None:
    """An errand that waits when the authority closes is done before it has closed, and the mailer is closed after it."""
    box = Letterbox()
    async with a_house(kind, tmp_path, mailer=box) as house:
        await house.authority.create_account(ADA, PASSWORD)
        await house.authority.ask_for_reset(ADA, network=NETWORK)
        assert box.letters == []
    assert [letter.kind for letter in box.letters] == ["reset"]
    assert box.closed


async def test_without_mail_nothing_of_it_is_offered(house: House) -> None:
    """A sign-up makes an account at once, a taken address is said to be taken, and there is no reset."""
    assert not house.authority.mails
    assert await house.authority.sign_up(ADA, PASSWORD, network=NETWORK) is not None
    assert await code_of(house.authority.sign_up(ADA, PASSWORD, network=NETWORK)) == "already_exists"
    assert await code_of(house.authority.ask_for_reset(ADA, network=NETWORK)) == "not_found"


async def test_a_policy_says_how_long_links_work(kind: Kind, tmp_path: Path) -> None:
    """A deployment that wants short links gets them, and its mails say so."""
    box = Letterbox()
    async with a_house(kind, tmp_path, replace(DEFAULT, link_lifetime=300), mailer=box) as house:
        assert house.authority.mails
        post = Post(house, box)
        await post.sign_up()
        assert box.letters[-1].words["minutes"] == 5
        digest = digest_of_handle(box.link())
        assert digest is not None
        handle = await house.authority.world.store.find_handle(digest)
        assert handle is not None
        assert handle.expires_at - handle.created_at == 300
