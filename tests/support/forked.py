"""Children that are forked from a clean process which has imported everything already, so that each starts in no time."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from types import ModuleType

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.support.traffic", "tests.support.killing"])


@contextmanager
def _without_main() -> Iterator[None]:
    """Hides the main module of the test run, which every child would run again."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


class Child:
    """A child that runs a function; the function gets the arguments and a pipe to say things to its parent.

    Args:
        work: the function; importable by name.
        arguments: what it gets before the pipe.
    """

    def __init__(self, work: object, *arguments: object) -> None:
        self.heard, said = CONTEXT.Pipe(duplex=False)
        self.process: ForkServerProcess = CONTEXT.Process(target=work, args=(*arguments, said))  # type: ignore[arg-type]
        with _without_main():
            self.process.start()
        said.close()

    def hear(self, timeout_s: float) -> object:
        """Gives the next thing that it says; fails when it says nothing in time or ends before."""
        assert self.heard.poll(timeout_s), f"the child said nothing for {timeout_s} s"
        try:
            return self.heard.recv()
        except EOFError:
            self.process.join(10)
            raise AssertionError(f"the child ended with {self.process.exitcode} before it said anything") from None

    def kill(self) -> None:
        """Ends it at once (SIGKILL) and waits for the end."""
        self.process.kill()
        self.ended()

    def ended(self, timeout_s: float = 60) -> int | None:
        """Waits for its end and gives its exit code; negative for a signal, None if it did not end in time."""
        self.process.join(timeout_s)
        code = self.process.exitcode
        if code is not None:
            self.heard.close()
            self.process.close()
        return code


Pipe = Connection
