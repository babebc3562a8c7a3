"""A process with many threads that present one refresh token at the same time.

Reads a JSON line of orders from stdin, opens an authority, says `ready`, waits for a line, lets the threads go, and
prints one JSON line: what each of them got.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from pathlib import Path

from tallystick import Authority
from tallystick.errors import TallystickError
from tests.support.embedded import NETWORK, embedded


def main() -> None:
    """Obeys the orders."""
    orders = json.loads(sys.stdin.readline())
    asyncio.run(obey(orders))


async def obey(orders: dict[str, str]) -> None:
    """Opens the authority and lets the threads go."""
    async with embedded(Path(orders["folder"]), grace=int(orders["grace"])) as authority:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        loop, got, threads = asyncio.get_running_loop(), list[dict[str, str]](), []
        gate = threading.Barrier(int(orders["threads"]))
        for _ in range(int(orders["threads"])):
            threads.append(
                threading.Thread(target=lambda: got.append(_present(loop, authority, gate, orders["token"], orders)))
            )
            threads[-1].start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
    print(json.dumps(got), flush=True)


def _present(
    loop: asyncio.AbstractEventLoop, authority: Authority, gate: threading.Barrier, token: str, orders: dict[str, str]
) -> dict[str, str]:
    gate.wait()
    asked = authority.refresh(token, client_id=orders["client"], network=NETWORK)
    try:
        tokens = asyncio.run_coroutine_threadsafe(asked, loop).result(60)
    except TallystickError as error:
        return {"error": error.code}
    assert tokens.refresh_token is not None
    return {"refresh": tokens.refresh_token.reveal(), "access": tokens.access_token.reveal()}


if __name__ == "__main__":
    main()
