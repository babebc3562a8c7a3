"""A process that forks: the child has no part in its parent's lease."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable

import pytest

from tallystick.core.revocation.entry import Ending, Kind
from tallystick.errors import TallystickError
from tallystick.verifier import Verifier
from tests.unit.core.verification.plain_log import OUT_OF_ORDER, ThreadedLog
from tests.unit.verifier.minting import AUDIENCE, ISSUER, Key, a_session, key_set

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def in_child(log: ThreadedLog | None, story: Callable[[], object]) -> object:
    """Gives what a story returns in a forked child."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if log is not None:
                log.after_fork()
            told = json.dumps(story())
        except BaseException as error:  # noqa: BLE001  (told to the parent)
            told = json.dumps(repr(error))
        os.write(writing, told.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return json.loads(told)


def test_the_child_of_a_fork_begins_anew() -> None:
    """The first request in a child starts a follower under a new id; the parent's goes on as before."""
    key = Key()
    log = ThreadedLog(keys=key_set(key))
    token = key.mint(a_session())
    with Verifier(ISSUER, AUDIENCE, follow=log) as verifier:
        verifier.verify(token)
        mine = verifier.state().verifier

        def story() -> object:
            before = (verifier.leased(), verifier.state().verifier)
            verifier.verify(token)
            return [before, verifier.leased(), verifier.state().verifier]

        before, leased, theirs = in_child(log, story)  # type: ignore[misc]
        assert before == [False, ""]
        assert leased
        assert theirs not in ("", mine)
        assert verifier.state().verifier == mine
        assert verifier.verify(token)


def test_a_child_without_a_lease_of_its_own_trusts_nothing() -> None:
    """A child that cannot reach the log refuses, though its parent's lease was good a moment before, and goes on trying."""
    key = Key()
    log = ThreadedLog(keys=key_set(key))
    token = key.mint(session := a_session())
    with Verifier(ISSUER, AUDIENCE, follow=log) as verifier:
        verifier.verify(token)

        def story() -> object:
            log.broken = OUT_OF_ORDER
            begun = time.monotonic()
            try:
                verifier.verify(token)
            except TallystickError as error:
                refused, quick = error.code, time.monotonic() - begun < 5
            log.broken = None
            while not verifier.leased() and time.monotonic() < begun + 10:
                time.sleep(0.01)
            return [refused, quick, verifier.verify(token).id]

        assert in_child(log, story) == ["lease.lapsed", True, session]


def test_what_ended_before_the_fork_is_ended_in_the_child() -> None:
    """A child hears the log from its snapshot on."""
    key, session = Key(), a_session()
    log = ThreadedLog(keys=key_set(key))
    with Verifier(ISSUER, AUDIENCE, follow=log) as verifier:
        verifier.applied_blocking(log.append(Ending(Kind.SESSION, session)))

        def story() -> object:
            try:
                verifier.verify(key.mint(session))
            except TallystickError as error:
                return error.code
            return "good"

        assert in_child(log, story) == "session.ended"
