"""Mail goes to a real SMTP server: encrypted, signed in, again after trouble, and never in the clear over a network."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from tallystick.core.secret import Secret
from tallystick.crypto.clocks import SystemClock
from tallystick.crypto.entropy import SystemEntropy
from tallystick.errors import Misconfigured
from tallystick.mail import queued
from tallystick.mail.office import SmtpMail
from tallystick.mail.queued import QueuedMailer
from tallystick.mail.smtp import SmtpServer, SmtpTransport, Trouble
from tallystick.ports import Letter
from tests.support.house import until
from tests.support.post_office import PostOffice

pytestmark = pytest.mark.anyio
ISSUER = "https://notes.example/auth"
SENDER = "notes@notes.example"
SECRET = "tsh_a-secret-that-is-in-the-link"
LINK = f"{ISSUER}/reset?link={SECRET}"
FAR = 4_000_000_000
PASSWORD = "the password of the post office"


class Told:
    """Events that keep what they are told."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def tell(self, events: Any, **_: Any) -> None:
        """Keeps events."""
        self.events.extend(events)

    def named(self, name: str) -> list[dict[str, str]]:
        """Gives the facts of each event of a name."""
        return [dict(event.facts) for event in self.events if event.name == name]


@pytest.fixture
def anyio_backend() -> str:
    """Runs on asyncio."""
    return "asyncio"


@pytest.fixture(scope="module")
def authority_of_names() -> trustme.CA:
    """Somebody who certifies names."""
    return trustme.CA()


def context_of(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """Gives a server's certificate for names."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


def trusted(authority: trustme.CA, folder: Path) -> Path:
    """Writes the certificate to trust into a file."""
    file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return file


def letter(to: str = "ada@example.com", **more: Any) -> Letter:
    """Gives a letter with a link."""
    words = {"link": Secret(LINK), "minutes": 30, "network": "203.0.113.0/24"}
    return replace(Letter("reset", to, FAR, words), **more)


@asynccontextmanager
async def a_mailer(server: SmtpServer, told: Told, **more: Any) -> AsyncIterator[QueuedMailer]:
    """Runs a mailer."""
    mail = SmtpMail(server, SENDER, more.pop("sender_name", ""), more.pop("templates", None))
    mailer = mail.mailer(ISSUER, SystemClock(), SystemEntropy(), told)
    for name, value in more.items():
        setattr(mailer, name, value)
    task = asyncio.create_task(mailer.run())
    try:
        yield mailer
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await mailer.close()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of milliseconds."""
    monkeypatch.setattr(queued, "FIRST_PAUSE_S", 0.02)


class TestTransport:
    """The connection is encrypted and the server is who it says, or nothing is sent."""

    @pytest.mark.parametrize("security", ["tls", "starttls"])
    async def test_mail_arrives_encrypted_and_signed_in(
        self, security: Any, authority_of_names: trustme.CA, tmp_path: Path
    ) -> None:
        """With TLS or STARTTLS, a checked certificate and a password, a letter arrives whole."""
        tls = context_of(authority_of_names, "127.0.0.1")
        with PostOffice(security, tls, ("notes", PASSWORD)) as office:
            server = SmtpServer(
                "127.0.0.1", office.port, security, "notes", Secret(PASSWORD), trusted(authority_of_names, tmp_path)
            )
            await SmtpTransport(server).probe()
            async with a_mailer(server, told := Told()) as mailer:
                mailer.post(letter())
                (mail,) = await office.until(1)
                await until(lambda: bool(told.named("mail.sent")))
        assert mail.over_tls
        assert (mail.sender, mail.recipients) == (SENDER, ("ada@example.com",))
        assert mail.link == LINK
        assert LINK in mail.text("html")
        assert mail.message["Auto-Submitted"] == "auto-generated"
        assert mail.message["To"] == "ada@example.com"

    @pytest.mark.parametrize("security", ["tls", "starttls"])
    async def test_a_server_with_another_name_or_a_certificate_of_nobody_gets_nothing(
        self, security: Any, authority_of_names: trustme.CA, tmp_path: Path
    ) -> None:
        """A certificate for another host, or from somebody who is not trusted, ends the connection before the password."""
        file = trusted(authority_of_names, tmp_path)
        stranger = context_of(trustme.CA(), "127.0.0.1")
        elsewhere = context_of(authority_of_names, "post.elsewhere.example")
        for tls in (stranger, elsewhere):
            with PostOffice(security, tls, ("notes", PASSWORD)) as office:
                server = SmtpServer("127.0.0.1", office.port, security, "notes", Secret(PASSWORD), file)
                with pytest.raises(Trouble) as caught:
                    await SmtpTransport(server).probe()
                assert caught.value.because == "tls"
                assert office.mails == []

    async def test_a_server_that_drops_starttls_gets_nothing(self) -> None:
        """Somebody in between who takes STARTTLS out of the greeting gets neither the letter nor the password."""
        with PostOffice("none") as office:
            server = SmtpServer("127.0.0.1", office.port, "starttls", "notes", Secret(PASSWORD))
            with pytest.raises(Trouble) as caught:
                await SmtpTransport(server).probe()
            assert caught.value.because == "tls"
            assert office.mails == []

    async def test_a_wrong_password_is_named_and_tells_no_secret(
        self, authority_of_names: trustme.CA, tmp_path: Path
    ) -> None:
        """A sign-in that the server refuses is told by a word, without the password."""
        tls = context_of(authority_of_names, "127.0.0.1")
        with PostOffice("tls", tls, ("notes", "another")) as office:
            file = trusted(authority_of_names, tmp_path)
            server = SmtpServer("127.0.0.1", office.port, "tls", "notes", Secret(PASSWORD), file)
            with pytest.raises(Trouble) as caught:
                await SmtpTransport(server).probe()
        assert caught.value.because == "sign-in"
        assert PASSWORD not in repr(server)

    def test_what_would_go_in_the_clear_over_a_network_is_refused_at_once(self) -> None:
        """No encryption is possible only towards this very host."""
        for host in ("localhost", "127.0.0.1", "::1", "[::1]"):
            assert SmtpServer(host, security="none").where == (host, 25)
        for wrong in (
            {"host": "mail.example", "security": "none"},
            {"host": "10.0.0.1", "security": "none"},
            {"host": "mail.example\r\nX: y"},
            {"host": ""},
            {"host": "mail.example", "security": "ssl"},
            {"host": "mail.example", "user": "notes"},
            {"host": "mail.example", "password": Secret("x")},
            {"host": "mail.example", "timeout_s": 0},
        ):
            with pytest.raises(Misconfigured):
                SmtpServer(**wrong)  # type: ignore[arg-type]
        assert SmtpServer("mail.example").where == ("mail.example", 587)
        assert SmtpServer("mail.example", security="tls").where == ("mail.example", 465)

    def test_certificates_that_cannot_be_read_are_named_at_the_start(self, tmp_path: Path) -> None:
        """A file of certificates that is not there is a mistake of the settings."""
        with pytest.raises(Misconfigured):
            SmtpTransport(SmtpServer("mail.example", ca_file=tmp_path / "none.pem"))


@pytest.mark.usefixtures("hasty")
class TestQueue:
    """Whoever posts waits for nothing; what fails is tried again, and what cannot work is told."""

    async def test_posting_takes_no_time_however_slow_the_server_is(self) -> None:
        """A hundred letters are posted in milliseconds while the server takes its time for the first."""
        with PostOffice(wait_s=0.5) as office:
            async with a_mailer(SmtpServer("127.0.0.1", office.port, "none"), Told(), _closing_s=0.1) as mailer:
                mailer.post(letter())
                await asyncio.sleep(0.1)
                began = asyncio.get_running_loop().time()
                for _ in range(100):
                    mailer.post(letter())
                assert asyncio.get_running_loop().time() - began < 0.1

    async def test_one_connection_carries_many_letters(self) -> None:
        """Letters that are due together share a connection, and it is closed when there are none left."""
        with PostOffice() as office:
            async with a_mailer(SmtpServer("127.0.0.1", office.port, "none"), Told()) as mailer:
                for number in range(20):
                    mailer.post(letter(f"a{number}@example.com"))
                mails = await office.until(20)
        assert office.sessions == 1
        assert {mail.recipients for mail in mails} == {(f"a{number}@example.com",) for number in range(20)}

    async def test_a_server_that_fails_gets_the_letter_again(self) -> None:
        """After three answers of 451 the fourth attempt delivers, once."""
        with PostOffice(failures=3) as office:
            async with a_mailer(SmtpServer("127.0.0.1", office.port, "none"), told := Told()) as mailer:
                mailer.post(letter())
                await office.until(1)
                await until(lambda: len(mailer) == 0)
        assert len(office.mails) == 1
        assert [one["because"] for one in told.named("mail.delayed")] == ["busy"] * 3
        assert [one["attempts"] for one in told.named("mail.delayed")] == ["1", "2", "3"]

    async def test_a_server_that_is_away_gets_it_when_it_is_back(self) -> None:
        """A letter waits for a server that nobody answers at, and arrives when it does."""
        with PostOffice() as office:
            port = office.port
        async with a_mailer(SmtpServer("127.0.0.1", port, "none"), told := Told()) as mailer:
            mailer.post(letter())
            await until(lambda: len(told.named("mail.delayed")) >= 2)
            assert {one["because"] for one in told.named("mail.delayed")} == {"unreachable"}
            with PostOffice(port=port) as office:
                await office.until(1)

    async def test_a_server_that_never_answers_is_given_up_in_time(self) -> None:
        """A slow server costs the time-out and no more; the letter stays."""
        with PostOffice(wait_s=5) as office:
            server = SmtpServer("127.0.0.1", office.port, "none", timeout_s=0.2)
            async with a_mailer(server, told := Told(), _closing_s=0.1) as mailer:
                mailer.post(letter())
                await until(lambda: bool(told.named("mail.delayed")))
                assert told.named("mail.delayed")[0]["because"] == "slow"
                assert len(mailer) == 1

    async def test_an_address_that_the_server_refuses_is_told_to_the_events_alone(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A refused address is forgotten and told by its code; the next letter goes out on the same connection."""
        caplog.set_level(logging.DEBUG)
        with PostOffice(unknown={"nobody@example.com"}) as office:
            async with a_mailer(SmtpServer("127.0.0.1", office.port, "none"), told := Told()) as mailer:
                mailer.post(letter("nobody@example.com"))
                mailer.post(letter())
                await office.until(1)
        assert office.sessions == 1
        assert told.named("mail.refused") == [{"kind": "reset", "code": "550"}]
        ours = [record.getMessage() for record in caplog.records if not record.name.startswith("mail.log")]
        assert "nobody@example.com" not in repr(told.events) + repr(ours)
        assert SECRET not in repr(told.events) + repr(ours)

    async def test_a_mail_that_looks_like_spam_is_not_sent_again(self) -> None:
        """A refusal of the content is for good."""
        with PostOffice(refused_data=True) as office:
            async with a_mailer(SmtpServer("127.0.0.1", office.port, "none"), told := Told()) as mailer:
                mailer.post(letter())
                await until(lambda: bool(told.named("mail.refused")))
                assert len(mailer) == 0
        assert office.asked == 1

    async def test_a_letter_that_is_too_late_is_not_sent(self) -> None:
        """A link that would not work any more is not mailed."""
        with PostOffice() as office:
            async with a_mailer(SmtpServer("127.0.0.1", office.port, "none"), told := Told()) as mailer:
                mailer.post(letter(expires_at=1))
                await until(lambda: bool(told.named("mail.dropped")))
        assert told.named("mail.dropped") == [{"kind": "reset", "because": "late"}]
        assert office.mails == []

    async def test_a_full_queue_drops_and_says_so(self) -> None:
        """What does not fit is dropped, so that a server that is away costs a bounded amount of memory."""
        async with a_mailer(SmtpServer("127.0.0.1", 1, "none"), told := Told(), _limit=3, _closing_s=0.1) as mailer:
            for _ in range(5):
                mailer.post(letter())
            assert len(mailer) == 3
        assert [one["because"] for one in told.named("mail.dropped")] == ["full"] * 2 + ["ended"] * 3

    async def test_what_is_left_at_the_end_is_tried_once_more(self) -> None:
        """A letter that waits for its next attempt is sent when the process ends."""
        with PostOffice(failures=1) as office:
            server = SmtpServer("127.0.0.1", office.port, "none")
            async with a_mailer(server, told := Told()) as mailer:
                mailer._open_at = SystemClock().boot() + 1000
                mailer.post(letter())
                await asyncio.sleep(0.05)
                assert office.mails == []
                office.failures = 0
            await office.until(1)
        assert told.named("mail.dropped") == []

    async def test_a_stranger_s_alphabet_needs_a_server_that_knows_it(self) -> None:
        """An address beyond ASCII goes out where SMTPUTF8 is offered and is refused, not retried, where it is not."""
        with PostOffice() as office:
            async with a_mailer(SmtpServer("127.0.0.1", office.port, "none"), Told()) as mailer:
                mailer.post(letter("jürgen@bücher.example"))
                (mail,) = await office.until(1)
        assert mail.recipients == ("jürgen@xn--bcher-kva.example",)
        with PostOffice(utf8=False) as office:
            async with a_mailer(SmtpServer("127.0.0.1", office.port, "none"), told := Told()) as mailer:
                mailer.post(letter("jürgen@example.com"))
                await until(lambda: bool(told.named("mail.refused")))
        assert told.named("mail.refused") == [{"kind": "reset", "code": "0"}]
