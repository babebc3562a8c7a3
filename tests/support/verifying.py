"""A verifier in a process of its own, that says of each token whether it is good; and the handle on it for tests."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from types import TracebackType
from typing import Self

from tallystick import TallystickError, Verifier, open_log

_ANSWER_S = 20.0


class VerifierProcess:
    """A service that only verifies.

    Args:
        url: of the SQLite store that it follows.
        issuer: whose tokens it takes.
        audience: what they must be for.
    """

    def __init__(self, url: str, issuer: str, audience: str) -> None:
        self._words = [sys.executable, "-m", "tests.support.verifying", url, issuer, audience]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self._answer() == "ready"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._running
        assert process.stdin is not None
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()

    @property
    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None
        return self._process

    def verdict(self, token: str) -> str:
        """Gives `good`, or the code of the error."""
        self.ask(token)
        return self._answer()

    def ask(self, token: str) -> None:
        """Presents a token without waiting for the answer."""
        assert self._running.stdin is not None
        self._running.stdin.write(token + "\n")
        self._running.stdin.flush()

    def answer(self) -> str:
        """Waits for the answer to what was presented."""
        return self._answer()

    def freeze(self) -> None:
        """Stops the process as a whole (SIGSTOP)."""
        os.kill(self._running.pid, signal.SIGSTOP)

    def kill(self) -> None:
        """Ends the process at once (SIGKILL)."""
        self._running.kill()

    def thaw(self) -> None:
        """Lets it go on (SIGCONT)."""
        os.kill(self._running.pid, signal.SIGCONT)

    def _answer(self) -> str:
        stdout = self._running.stdout
        assert stdout is not None
        readable, _, _ = select.select([stdout], [], [], _ANSWER_S)
        assert readable, "the verifier's process does not answer"
        return stdout.readline().strip()


def main(url: str, issuer: str, audience: str) -> None:
    """Answers each token that comes as a line."""
    with Verifier(issuer, audience=audience, follow=open_log(url), name="process") as verifier:
        print("ready", flush=True)
        for line in sys.stdin:
            try:
                verifier.verify(line.strip())
            except TallystickError as error:
                print(error.code, flush=True)
            else:
                print("good", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
