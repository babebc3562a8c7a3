"""Sign-up, verification and reset over HTTP, and the device cookie: what is sent, and what nobody can tell."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tallystick.authority import errands
from tallystick.core.secret import Secret
from tallystick.errors import Misconfigured
from tallystick.server.run import tell_of_mail
from tallystick.server.settings import Settings
from tests.integration.asgi import HTTPS, LOCAL, House, a_house
from tests.support.embedded import EMAIL, PASSWORD
from tests.support.letterbox import Letterbox

NEW = "eight notches on an ashen stick"
NOBODY = "nobody@example.com"
EVIL = ("origin", "https://evil.example")


@pytest.fixture
def box() -> Letterbox:
    """Where letters lie."""
    return Letterbox()


@pytest.fixture
def house(tmp_path: Path, box: Letterbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """An authority on https that can send mail."""
    monkeypatch.setattr(errands, "SPREAD_S", 0.0)
    with a_house(tmp_path, HTTPS, mailer=box) as found:
        yield found


def post(house: House, path: str, *headers: tuple[str, str], **body: str):
    """Posts JSON and waits until what it causes is done."""
    reply = house.ask("POST", path, headers, data=body)
    house.do(house.authority.world.errands.done())
    return reply


def told(reply) -> object:
    """Gives everything of an answer but what is new in each."""
    return reply.status, reply.raw, sorted(field for field in reply.fields if field[0] != "x-request-id")


def cookies(reply) -> dict[str, str]:
    """Gives the cookies that an answer sets, name → the rest."""
    return dict(value.split("=", 1) for name, value in reply.fields if name == "set-cookie")


def test_a_sign_up_is_answered_in_the_same_bytes_whether_or_not_the_address_is_taken(
    house: House, box: Letterbox
) -> None:
    """202 and the same body, and the mail tells the difference."""
    taken, free = (
        post(house, "/sign-up", email=EMAIL, password=NEW),
        post(house, "/sign-up", email=NOBODY, password=NEW),
    )
    assert told(taken) == told(free)
    assert (taken.status, taken.body) == (202, {"mail": "sent"})
    assert (box.kinds(EMAIL), box.kinds(NOBODY)) == (["taken"], ["verify"])


def test_a_link_and_its_password_make_the_account(house: House, box: Letterbox) -> None:
    """The link alone does nothing; with the password the account is there and signs in."""
    post(house, "/sign-up", email=NOBODY, password=NEW)
    assert post(house, "/verify", link=box.link(), password=PASSWORD).error == "authentication.failed"
    assert house.ask("POST", "/session", data={"email": NOBODY, "password": NEW}).status == 401
    made = post(house, "/verify", link=box.link(), password=NEW)
    assert made.status == 201
    assert set(made.body["principal"]) == {"id"}
    assert house.sign_in(NOBODY, NEW).status == 200
    assert post(house, "/verify", link=box.link(), password=NEW).error == "link.invalid"


def test_a_wish_for_a_new_password_is_answered_in_the_same_bytes(house: House, box: Letterbox) -> None:
    """202 and the same body for everybody; only the owner of an account gets a mail."""
    known, unknown = post(house, "/reset", email=EMAIL), post(house, "/reset", email=NOBODY)
    assert told(known) == told(unknown)
    assert known.status == 202
    assert [letter.to for letter in box.letters] == [EMAIL]


def test_a_link_resets_the_password_and_makes_the_browser_known(house: House, box: Letterbox) -> None:
    """The new password works, the old one does not, nobody is signed in by it, and the device cookie is set."""
    post(house, "/reset", email=EMAIL)
    done = post(house, "/reset", link=box.link(), password=NEW)
    assert done.status == 200
    assert set(cookies(done)) == {"__Host-Http-ts-device"}
    assert house.ask("POST", "/session", data={"email": EMAIL, "password": PASSWORD}).status == 401
    assert house.sign_in(EMAIL, NEW).status == 200


@pytest.mark.parametrize("host", ["evil.example", "notes.example:444", "notes.example"])
def test_links_are_built_from_the_issuer_never_from_what_a_request_names(
    house: House, box: Letterbox, host: str
) -> None:
    """A host, a forwarded host or a scheme in a request does not show in a mail."""
    headers = [("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example;proto=http")]
    house.ask("POST", "/reset", headers, data={"email": EMAIL}, host=host)
    house.do(house.authority.world.errands.done())
    for letter in box.letters:
        link = letter.words["link"]
        assert isinstance(link, Secret)
        assert link.reveal().startswith(f"{HTTPS}/reset?link=tsh_")


@pytest.mark.parametrize("path", ["/sign-up", "/verify", "/reset"])
def test_another_sites_page_causes_no_mail(house: House, box: Letterbox, path: str) -> None:
    """Forms of another site are refused before anything is counted."""
    reply = post(house, path, EVIL, email=EMAIL, password=NEW, link="tsh_" + "A" * 43)
    assert reply.error == "request.cross_site"
    assert house.ask("POST", path, form={"email": EMAIL}).status in (403, 415)
    assert box.letters == []


def test_without_mail_there_is_no_reset_and_a_taken_address_is_said_to_be_taken(tmp_path: Path) -> None:
    """An authority without a mailer answers as it always did."""
    with a_house(tmp_path, HTTPS) as house:
        assert post(house, "/reset", email=EMAIL).error == "not_found"
        assert post(house, "/sign-up", email=EMAIL, password=NEW).error == "already_exists"
        assert post(house, "/sign-up", email=NOBODY, password=NEW).status == 201


@pytest.mark.parametrize(
    ("issuer", "name", "secure"), [(HTTPS, "__Host-Http-ts-device", {"Secure"}), (LOCAL, "ts-device", set())]
)
def test_the_device_cookie_has_every_attribute(tmp_path: Path, issuer: str, name: str, secure: set[str]) -> None:
    """Host-only, HttpOnly, Lax, for 400 days, Secure on https; it is set by every sign-in and shows nothing of whose it is."""
    with a_house(tmp_path, issuer) as house:
        field = cookies(house.sign_in())[name]
        assert set(field.split("; ")[1:]) == {"Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=34560000"} | secure
        account = house.do(house.authority.find_account(EMAIL))
        assert account is not None
        assert account.id not in field


def guess(house: House, number: int, cookie: str = "") -> str:
    """Guesses from a network of its own and gives the code."""
    data = {"email": EMAIL, "password": f"a wrong guess, number {number}"}
    return house.ask("POST", "/session", data=data, client=f"2001:db8:0:{number:x}::1", cookie=cookie).error


def test_a_known_device_is_let_in_while_strangers_guess_and_an_unknown_one_is_not(house: House) -> None:
    """Strangers fill the account's counter; the owner's browser has one of its own, also after signing out."""
    device = cookies(house.sign_in())["__Host-Http-ts-device"].split(";")[0]
    codes = [guess(house, number) for number in range(60)]
    assert codes[-1] == "throttled"
    good = {"email": EMAIL, "password": PASSWORD}
    assert house.ask("POST", "/session", data=good, client="198.51.100.1").error == "throttled"
    known = house.ask("POST", "/session", data=good, cookie=f"__Host-Http-ts-device={device}", client="198.51.100.1")
    assert known.status == 200


@pytest.mark.parametrize("value", ["", "x", "A" * 150, "A" * 5000, "é", "a=b", "%00"])
def test_a_device_cookie_that_we_did_not_write_is_none(house: House, value: str) -> None:
    """Rubbish in the cookie neither helps nor hurts."""
    reply = house.ask(
        "POST", "/session", data={"email": EMAIL, "password": PASSWORD}, cookie=f"__Host-Http-ts-device={value}"
    )
    assert reply.status == 200


def test_somebody_elses_device_cookie_buys_nothing(house: House) -> None:
    """A device is known to one account: a stranger's own cookie does not open another counter for the owner's account."""
    house.do(house.authority.create_account(NOBODY, PASSWORD))
    device = cookies(house.sign_in(NOBODY))["__Host-Http-ts-device"].split(";")[0]
    codes = [guess(house, number) for number in range(60)]
    assert codes[-1] == "throttled"
    assert guess(house, 99, f"__Host-Http-ts-device={device}") == "throttled"


def test_a_device_is_a_stranger_after_a_reset(house: House, box: Letterbox) -> None:
    """A device cookie from before a reset buys no guess at the new password; the one of the reset does."""
    device = cookies(house.sign_in())["__Host-Http-ts-device"].split(";")[0]
    post(house, "/reset", email=EMAIL)
    fresh = cookies(post(house, "/reset", link=box.link(), password=NEW))["__Host-Http-ts-device"].split(";")[0]
    codes = [guess(house, number) for number in range(60)]
    assert codes[-1] == "throttled"
    assert guess(house, 98, f"__Host-Http-ts-device={device}") == "throttled"
    assert guess(house, 99, f"__Host-Http-ts-device={fresh}") == "authentication.failed"


def test_a_new_device_is_told_to_the_owner_once(house: House, box: Letterbox) -> None:
    """A sign-in from a browser that was not seen before is mailed; the next one from it is not."""
    world = house.authority.world
    now = world.clock.now()
    world.clock = type("Later", (), {"now": lambda _: now + 3600, "boot": world.clock.boot})()
    first = house.ask("POST", "/session", [("user-agent", "Firefox")], data={"email": EMAIL, "password": PASSWORD})
    assert box.kinds(EMAIL) == ["new_device"]
    assert box.letters[-1].words["device"] == "Firefox"
    device = cookies(first)["__Host-Http-ts-device"].split(";")[0]
    house.ask("POST", "/session", data={"email": EMAIL, "password": PASSWORD}, cookie=f"__Host-Http-ts-device={device}")
    assert box.kinds(EMAIL) == ["new_device"]


class TestSettings:
    """Mail is set up in the file or the environment, with its password in a file; what cannot work stops the start."""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """An empty working folder."""
        monkeypatch.chdir(tmp_path)
        return tmp_path

    def test_a_file_and_a_secret_file_set_mail_up(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Host and sender in the file, the user in the environment, the password in a file; it never prints."""
        (folder / "tallystick.toml").write_text('[mail]\nhost = "smtp.example.com"\nsender = "notes@example.com"\n')
        (folder / "secret").write_text("hush hush\n")
        monkeypatch.setenv("TALLYSTICK_MAIL__USER", "notes")
        monkeypatch.setenv("TALLYSTICK_MAIL__PASSWORD_FILE", str(folder / "secret"))
        settings = Settings.load()
        assert settings.mail is not None
        mail = settings.mail.smtp()
        assert (mail.server.where, mail.server.user, mail.sender) == (
            ("smtp.example.com", 587),
            "notes",
            "notes@example.com",
        )
        assert mail.server.password is not None
        assert mail.server.password.reveal() == "hush hush"
        assert "hush" not in repr(settings) + repr(mail) + json.dumps(settings.model_dump(mode="json"), default=str)

    @pytest.mark.parametrize(
        "text",
        ['host = "a.example"', 'host = "a.example"\nsender = "a@b.example"\nsecurity = "ssl"', "port = 25", "x = 1"],
    )
    def test_what_is_missing_or_unknown_is_named(self, folder: Path, text: str) -> None:
        """A setting of mail that is missing or unknown ends the command with its name."""
        (folder / "tallystick.toml").write_text(f"[mail]\n{text}\n")
        with pytest.raises(Misconfigured, match="mail"):
            Settings.load()

    def test_without_mail_the_log_says_once_what_is_off(self, caplog: pytest.LogCaptureFixture, folder: Path) -> None:
        """Whoever reads the log of a server without mail knows why nobody can reset a password."""
        caplog.set_level(logging.INFO)
        tell_of_mail(Settings.load())
        assert len([one for one in caplog.records if "no mail is set up" in one.getMessage()]) == 1
        caplog.clear()
        (folder / "tallystick.toml").write_text('[mail]\nhost = "smtp.example.com"\nsender = "notes@example.com"\n')
        tell_of_mail(Settings.load())
        assert caplog.records == []
