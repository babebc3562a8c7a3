"""`tallystick serve`: one socket, one or several processes, and an end that loses no request."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from tallystick.authority.authority import Authority
from tallystick.embed import checked_issuer
from tallystick.server.logs import configure_logging
from tallystick.server.settings import Settings
from tallystick.server.sight import Sight
from tallystick.server.supervisor import supervise
from tallystick.server.wiring import build_app, build_authority, issuer_at
from tallystick.web.watching import Watching

BACKLOG = 2048
KEEP_ALIVE_S = 65
ENDING = (signal.SIGTERM, signal.SIGINT)
_log = logging.getLogger("tallystick.server")


def serve(settings: Settings) -> int:
    """Serves until it is told to end (SIGTERM, SIGINT); gives the exit code.

    Raises:
        Misconfigured: the settings cannot work.
        Unavailable: the store cannot be opened.
        OSError: the address cannot be listened on.
    """
    configure_logging(settings)
    tell_of_mail(settings)
    with listen(settings.host, settings.port) as listener:
        issuer = checked_issuer(settings.issuer or issuer_at(listener.getsockname()[1]))
        if settings.workers == 1:
            return work(settings, issuer, listener)
        # The first one makes key, schema and signing key, so that the workers do not race for them.
        asyncio.run(_prepare(settings, issuer))
        return supervise(work, (settings, issuer, listener), settings.workers, settings.drain_s + settings.shutdown_s)


def tell_of_mail(settings: Settings) -> None:
    """Says once, in the log, what is not offered without mail."""
    if settings.mail is None:
        _log.info(
            "no mail is set up (mail.host, mail.sender): addresses are not verified, and nobody can reset a forgotten password"
        )


def create_app() -> ASGIApp:
    """Gives the ASGI app of the settings found here, for any ASGI server: `uvicorn --factory tallystick.server.run:create_app`.

    Run it with as many processes as `workers` says, without proxy headers, and with its lifespan.
    """
    settings = Settings.load()
    tell_of_mail(settings)
    issuer = checked_issuer(settings.issuer or issuer_at(settings.port))
    sight = Sight(settings)
    authority = build_authority(settings, issuer, sight=sight)
    return build_app(settings, authority, sight.watch(authority))


def listen(host: str, port: int) -> socket.socket:
    """Binds the one socket that all workers share, so that the port that is printed is the true one.

    Raises:
        OSError: the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def work(settings: Settings, issuer: str, listener: socket.socket) -> int:
    """Serves on a socket with one process until it is told to end; gives the exit code."""
    configure_logging(settings)
    sight = Sight(settings)
    authority = build_authority(settings, issuer, sight=sight)
    watching = sight.watch(authority)
    config = uvicorn.Config(
        build_app(settings, authority, watching),
        lifespan="off",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.shutdown_s,
    )
    server = _Server(config, authority, settings.drain_s)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(server, watching, listener))
    return 0


async def _serve(server: _Server, watching: Watching, listener: socket.socket) -> None:
    async with watching.lifespan(None):
        # uvicorn raises the signal again when it has ended; by then there is nothing left to interrupt.
        for number in ENDING:
            signal.signal(number, _ignored)
        await server.serve(sockets=[listener])


async def _prepare(settings: Settings, issuer: str) -> None:
    async with build_authority(settings, issuer):
        pass


def _ignored(number: int, frame: FrameType | None) -> None:
    """Does nothing."""


class _Server(uvicorn.Server):
    """Withdraws readiness first, then stops listening, then waits for requests in flight.

    Args:
        config: for uvicorn.
        authority: whose readiness.
        drain_s: how long to serve on without being ready, seconds.
    """

    def __init__(self, config: uvicorn.Config, authority: Authority, drain_s: float) -> None:
        super().__init__(config)
        self._authority = authority
        self._drain_s = drain_s

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for one in sockets or []:
            address, port = one.getsockname()[:2]
            _log.info("%s is served on %s port %d", self._authority.issuer, address, port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._authority.drain()
        _log.info("ending: no longer ready, %d requests in flight", len(self.server_state.tasks))
        await asyncio.sleep(self._drain_s)
        await super().shutdown(sockets)
