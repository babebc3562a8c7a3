"""The small parts of a verifier: keyring, headers, watches, waiters, unknown keys."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest

from tallystick.core.credentials.view import SessionView
from tallystick.core.ids import BROWSER_CLIENT
from tallystick.core.keys.encoding import encode, write_object
from tallystick.core.revocation.entry import Ending, Kind, Position, place
from tallystick.core.revocation.index import fold
from tallystick.errors import KeyUnknown, Misconfigured, Unavailable
from tallystick.verifier.keyring import Keyring
from tallystick.verifier.present import headers_of
from tallystick.verifier.unknown_keys import BURST, MISSED_S, UnknownKeys
from tallystick.verifier.watch import Waiters, Watches
from tests.unit.verifier.minting import PRINCIPAL, Key, a_session, key_set

SYMMETRIC = {"kty": "oct", "k": "A" * 43, "alg": "HS256", "kid": "s"}


def knows(keyring: Keyring, key: Key) -> bool:
    """Whether a token of a key is read."""
    try:
        keyring.reader.read(key.mint(a_session()))
    except KeyUnknown:
        return False
    return True


def test_a_revoked_key_does_not_come_back() -> None:
    """Once the log has revoked a key, no later read of the key set brings it back."""
    old, new = Key(), Key()
    keyring = Keyring()
    keyring.revoke(())
    assert not keyring.is_loaded
    keyring.take(key_set(old), ())
    assert knows(keyring, old)
    keyring.revoke({old.jwk["kid"]})
    assert not knows(keyring, old)
    keyring.take(key_set(old, new), {old.jwk["kid"]})
    assert not knows(keyring, old)
    assert knows(keyring, new)
    assert [key["kid"] for key in json.loads(keyring.published() or b"")["keys"]] == [new.jwk["kid"]]


def test_an_error_empties_nothing() -> None:
    """A read that brings no key set leaves the keys as they are."""
    key, keyring = Key(), Keyring()
    keyring.take(key_set(key), ())
    with pytest.raises(Misconfigured):
        keyring.take(b"<html>", ())
    assert knows(keyring, key)
    assert keyring.published() == key_set(key)


def test_shared_keys_are_asked_for_at_each_read() -> None:
    """Symmetric keys that change within a trust domain are taken with the published ones."""
    shared: dict[str, Any] = {"keys": []}
    keyring = Keyring(lambda: shared)
    keyring.take(key_set(), ())
    first = keyring.reader
    keyring.take(key_set(), ())
    assert keyring.reader is first
    shared = {"keys": [SYMMETRIC]}
    keyring.take(key_set(), ())
    assert keyring.reader is not first


class Framework:
    """What a framework calls a request."""

    scope: ClassVar[dict[str, Any]] = {"type": "http", "headers": [(b"cookie", b"a=b")]}


@pytest.mark.parametrize(
    "connection",
    [
        Framework(),
        Framework.scope,
        [(b"cookie", b"a=b")],
        {"Cookie": "a=b"},
        {"REQUEST_METHOD": "GET", "HTTP_COOKIE": "a=b", "wsgi.version": (1, 0)},
    ],
    ids=["request", "ASGI scope", "pairs", "mapping", "WSGI environ"],
)
def test_headers_are_found_in_whatever_is_called_a_request(connection: Any) -> None:
    """Each shape of a request gives the same headers."""
    assert list(headers_of(connection)) == [(b"cookie", b"a=b")]


def a_view() -> SessionView:
    """A cookie's view of a new session."""
    return SessionView(a_session(), PRINCIPAL, BROWSER_CLIENT, frozenset(), Position(1, 0), "cookie", 2_000_000_000)


def test_who_watches_a_session_is_called_once() -> None:
    """A stream is closed when its session falls, and nobody else's is."""
    mine, other = a_view(), a_view()
    heard: list[object] = []
    watches = Watches()
    watches.add(heard.append, mine)
    watches.add(heard.append, other)
    entry = place(bytes(16), Position(1, 1), Ending(Kind.SESSION, mine.id), 1)
    watches.tell([entry], fold([entry]))
    watches.tell([entry], fold([entry]))
    assert heard == [mine]


def test_who_watches_everything_hears_every_entry_until_he_leaves() -> None:
    """Without a session, every entry is told, until the watch is taken back."""
    heard: list[object] = []
    watches = Watches()
    remove = watches.add(heard.append, None)
    watches.renew()
    entry = place(bytes(16), Position(1, 1), Ending(Kind.ALL, ""), 1)
    watches.tell([entry, entry], fold([entry]))
    remove()
    remove()
    watches.tell([entry], fold([entry]))
    assert heard == [entry, entry]


def test_a_callback_that_fails_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """An error in somebody's callback is logged, and everybody else is still called."""
    heard: list[object] = []
    watches = Watches()
    watches.add(lambda _: 1 / 0, None)
    watches.add(heard.append, None)
    entry = place(bytes(16), Position(1, 1), Ending(Kind.ALL, ""), 1)
    watches.tell([entry], fold([entry]))
    assert heard == [entry]
    assert "callback" in caplog.text


def test_who_waits_is_called_when_his_position_is_reached() -> None:
    """Each waiter is called once, in time, and not at all if he gave up."""
    called: list[str] = []
    waiters = Waiters()
    waiters.reached(Position(9, 9))

    def gave_up() -> None:
        called.append("gave up")

    waiters.add(Position(1, 1), lambda: called.append("one"))
    waiters.add(Position(1, 2), lambda: called.append("two"))
    waiters.add(Position(1, 1), gave_up)
    waiters.remove(gave_up)
    waiters.reached(Position(1, 1))
    assert called == ["one"]
    waiters.reached(Position(2, 0))
    waiters.reached(Position(2, 1))
    assert called == ["one", "two"]


class Reading:
    """Stands where the follower's thread is, and counts."""

    def __init__(self, *, works: bool = True) -> None:
        self.works, self.reads = works, 0

    def read_keys(self, timeout_s: float) -> bool:
        """Counts."""
        self.reads += 1
        return self.works


def test_a_name_is_looked_for_once_in_a_while() -> None:
    """The first token of an unknown key has the key set read; others of the same name within seconds do not."""
    now, thread, token = [100.0], Reading(), Key().mint(a_session())
    unknown = UnknownKeys(lambda: now[0])
    unknown.look_again(token, (), thread)  # type: ignore[arg-type]
    with pytest.raises(KeyUnknown):
        unknown.look_again(token, (), thread)  # type: ignore[arg-type]
    assert thread.reads == 1
    now[0] += MISSED_S
    unknown.look_again(token, (), thread)  # type: ignore[arg-type]
    assert thread.reads == 2


def test_a_revoked_name_is_never_looked_for() -> None:
    """A token of a revoked key causes no read."""
    key, thread = Key(), Reading()
    with pytest.raises(KeyUnknown):
        UnknownKeys(lambda: 0.0).look_again(key.mint(a_session()), {key.jwk["kid"]}, thread)  # type: ignore[arg-type]
    assert thread.reads == 0


def test_a_flood_of_names_causes_few_reads() -> None:
    """Unknown names beyond the allowance are our trouble, not the token's fault, and cause no read."""
    thread, names = Reading(), [f"k{n}" for n in range(BURST + 5)]
    unknown = UnknownKeys(lambda: 100.0)
    refused = 0
    for name in names:
        header = {"kid": name}
        try:
            unknown.look_again(f"{encode(write_object(header))}.a.b", (), thread)  # type: ignore[arg-type]
        except Unavailable:
            refused += 1
    assert (thread.reads, refused) == (BURST, 5)


def test_a_read_that_fails_is_our_trouble() -> None:
    """When the key set cannot be read, nobody says that the key is unknown."""
    with pytest.raises(Unavailable):
        UnknownKeys(lambda: 0.0).look_again(Key().mint(a_session()), (), Reading(works=False))  # type: ignore[arg-type]
