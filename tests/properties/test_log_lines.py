"""Whatever is logged, a line is one line, steers no terminal, and holds no secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.authority.acting import acting_as
from tallystick.core.credentials.cookie import cookie_of
from tallystick.core.credentials.refresh_token import derive_refresh_token
from tallystick.core.ids import SessionId
from tallystick.core.secret import secret_of
from tallystick.core.session.decision import Event
from tallystick.crypto.plain_events import PlainEvents
from tallystick.crypto.slow_hashes import hash_password
from tallystick.identity.password import PasswordParameters
from tallystick.server import logs
from tallystick.server.settings import Settings
from tests.unit.verifier.minting import Key, a_session

FORMATS = ("text", "json")
BYTES = st.binary(min_size=32, max_size=32)
HASH = hash_password("seven notches on a hazel stick", PasswordParameters(), None)
KEY = Key()
SECRETS = st.one_of(
    BYTES.map(lambda raw: cookie_of(raw).reveal()),
    BYTES.map(lambda raw: secret_of(raw, "tss_").reveal()),
    BYTES.map(lambda raw: secret_of(raw, "tsh_").reveal()),
    BYTES.map(lambda raw: derive_refresh_token(raw, SessionId.of(raw[:16]), raw[0]).reveal()),
    st.builds(lambda: KEY.mint(a_session())),
    st.just(HASH),
    BYTES.map(lambda raw: f"Bearer {raw.hex()}"),
    BYTES.map(lambda raw: f"otpauth://totp/x?secret={raw.hex()}"),
)


@contextmanager
def logged(monkeypatch: pytest.MonkeyPatch, log_format: str) -> Iterator[io.StringIO]:
    """Configures the log as a server does, into a text; puts back what was there."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    sink = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(logs.sys, "stderr", sink)
        logs.configure_logging(Settings(log_format=log_format))  # type: ignore[arg-type]
    try:
        yield sink
    finally:
        root.handlers[:] = before
        root.setLevel(level)


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("where", ["message", "fact", "exception"])
def test_no_line_holds_a_secret(monkeypatch: pytest.MonkeyPatch, log_format: str, where: str) -> None:
    """A secret of any kind that slips into a message, an event's words or an exception does not reach the log."""

    @given(secret=SECRETS, around=st.text(alphabet=" :=,\"'()[]{}\n", max_size=2))
    def holds(secret: str, around: str) -> None:
        with logged(monkeypatch, log_format) as sink:
            text = f"words{around or ' '}{secret}{around}"
            if where == "message":
                logging.getLogger("tallystick.x").info("%s came", text)
            elif where == "fact":
                PlainEvents().tell((Event("session.opened", None, (("holder", text),)),))
            else:
                try:
                    raise ValueError(text)
                except ValueError:
                    logging.getLogger("tallystick.x").exception("failed")
            line = sink.getvalue()
        assert line.count("\n") == 1
        assert line.isprintable() or line[:-1].isprintable()
        core = secret.removeprefix("Bearer ").removeprefix("otpauth:")
        assert core not in line
        assert core[8:40] not in line

    holds()


@pytest.mark.parametrize("log_format", FORMATS)
def test_every_line_is_one_line(monkeypatch: pytest.MonkeyPatch, log_format: str) -> None:
    """Line ends, terminal sequences and marks that turn text around are escaped, in messages and in words."""

    @given(text=st.text(max_size=60))
    def holds(text: str) -> None:
        with logged(monkeypatch, log_format) as sink:
            logging.getLogger("other.library").warning("said %s", text)
            PlainEvents().tell((Event("session.opened", None, (("holder", text + "\r\n\x1b[2J\u2028\u202e"),)),))
            written = sink.getvalue()
        rows = written.split("\n")
        assert len(rows) == 3
        assert written.splitlines() == rows[:2]
        assert not set("\x1b\r\x00\u2028\u202e\x85\x9b") & set(written)
        if log_format == "json":
            assert [json.loads(row)["logger"] for row in rows[:2]] == ["other.library", "tallystick"]

    holds()


def test_a_line_says_when_what_and_in_which_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """In JSON a line carries the instant in UTC, the level, the event with its words, and the id of the request."""
    with logged(monkeypatch, "json") as sink, acting_as(request="r-1", network="192.0.2.7"):
        event = Event("authentication.failed", None, (("method", "password"), ("network", "192.0.2.7")))
        PlainEvents().tell((event,))
        found = json.loads(sink.getvalue())
    assert found.pop("at").endswith("Z")
    assert found == {
        "level": "info",
        "logger": "tallystick",
        "event": "authentication.failed",
        "method": "password",
        "network": "192.0.2.7",
        "request": "r-1",
    }


def test_a_message_of_any_library_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message is written with its arguments, in both formats."""
    for log_format in FORMATS:
        with logged(monkeypatch, log_format) as sink:
            logging.getLogger("other.library").warning("%s took %d ms", "it", 7)
            assert "it took 7 ms" in sink.getvalue()


def test_text_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """As text a line begins with the instant, the level and the logger, and words follow as name=word."""
    with logged(monkeypatch, "text") as sink:
        PlainEvents().tell((Event("job.failed", None, (("job", "keys"), ("code", "unavailable"))),))
        line = sink.getvalue()
    assert line.split(" ", 1)[1] == "WARNING tallystick job.failed job=keys code=unavailable\n"


def test_the_mask_hides_no_name_that_an_event_uses() -> None:
    """No event has a word under a name that is always masked, or it would never be seen."""
    from tests.docs.test_reference_events import told

    assert {fact for facts in told().values() for fact in facts} & logs.MASKED_NAMES == set()
