"""`tallystick serve`: one socket, one or several processes, and an end that loses no request."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from functools import partial
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.types import ASGIApp

from tallystick.authority.authority import Authority
from tallystick.embed import checked_issuer
from tallystick.proxies import Proxies
from tallystick.server.connections import Connections, Patient
from tallystick.server.facts import facts_of
from tallystick.server.logs import configure_logging
from tallystick.server.notify import notify_ready
from tallystick.server.settings import Settings
from tallystick.server.sight import Sight
from tallystick.server.supervisor import supervise
from tallystick.server.tls import HANDSHAKE_S, LOOK_EVERY_S, Renewing
from tallystick.server.unsafe import refuse
from tallystick.server.wiring import build_app, build_authority, default_issuer
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
        issuer = checked_issuer(default_issuer(settings, listener.getsockname()[1]))
        refuse(settings, facts_of(settings, issuer))
        if _renewing(settings, issuer) is not None:
            # Workers inherit this until they listen for it; they look at the files in any case.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
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
    issuer = checked_issuer(default_issuer(settings))
    refuse(settings, facts_of(settings, issuer, listens=False))
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
    renewing = _renewing(settings, issuer)
    config = uvicorn.Config(
        build_app(settings, authority, watching),
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.shutdown_s,
    )
    connections = Connections(Proxies(settings.trusted_proxies).is_listed)
    server = _Server(config, authority, settings.drain_s, connections, renewing)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(server, watching, listener))
    return 0


async def _serve(server: _Server, watching: Watching, listener: socket.socket) -> None:
    async with watching.lifespan(None):
        # uvicorn raises the signal again when it has ended; by then there is nothing left to interrupt.
        for number in ENDING:
            signal.signal(number, _ignored)
        await server.serve(sockets=[listener])


def _renewing(settings: Settings, issuer: str) -> Renewing | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return Renewing(settings.tls_cert, settings.tls_key, urlsplit(issuer).hostname or "")


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
        connections: where connections are counted.
        renewing: the certificate; None for plain http.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        authority: Authority,
        drain_s: float,
        connections: Connections,
        renewing: Renewing | None,
    ) -> None:
        super().__init__(config)
        self._authority = authority
        self._drain_s = drain_s
        self._connections = connections
        self._renewing = renewing
        self._watching: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens as uvicorn does, with our connections, and a deadline for the handshake."""
        await self.lifespan.startup()
        loop, renewing = asyncio.get_running_loop(), self._renewing
        patient = partial(
            Patient,
            self._connections,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        tls: dict[str, Any] = {}
        if renewing is not None:
            tls = {"ssl": renewing.listening, "ssl_handshake_timeout": HANDSHAKE_S, "ssl_shutdown_timeout": HANDSHAKE_S}
            loop.add_signal_handler(signal.SIGHUP, partial(renewing.renew, at_once=True))
            self._watching.append(asyncio.create_task(_renew(renewing)))
        self._watching.append(asyncio.create_task(self._connections.watch()))
        self.servers = []
        for one in sockets or []:
            self.servers.append(await loop.create_server(patient, sock=one, backlog=self.config.backlog, **tls))
        self.started = True
        for one in sockets or []:
            address, port = one.getsockname()[:2]
            _log.info("%s is served on %s port %d", self._authority.issuer, address, port)
        notify_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._authority.drain()
        _log.info("ending: no longer ready, %d requests in flight", len(self.server_state.tasks))
        await asyncio.sleep(self._drain_s)
        await super().shutdown(sockets)
        for task in self._watching:
            task.cancel()


async def _renew(renewing: Renewing) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        renewing.renew()
