"""An application as a reader of the front page writes it, with the probe of its event loop beside it."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from benchmarks.ours import House
from benchmarks.stall import StallProbe
from tallystick.starlette import requires
from tallystick.web import routes

_house = House(Path(os.environ["BENCH_FOLDER"]), int(os.environ["BENCH_PORT"]), "/auth")
_authority = _house.authority()
_probe = StallProbe()


async def start_probe(request: Request) -> JSONResponse:
    _probe.start()
    return JSONResponse({})


async def stalls(request: Request) -> JSONResponse:
    return JSONResponse(_probe.take())


async def open_to_all(request: Request) -> JSONResponse:
    return JSONResponse({"notes": ["milk", "bread"]})


@requires()
async def mine(request: Request) -> JSONResponse:
    return JSONResponse({"notes": ["milk", "bread"]})


app = Starlette(
    routes=[
        # A later route costs more to find, so each of the two is found as early as the other on average.
        Route("/open/a", open_to_all),
        Route("/mine/a", mine),
        Route("/mine/b", mine),
        Route("/open/b", open_to_all),
        Route("/stalls/start", start_probe),
        Route("/stalls", stalls),
        Mount("/auth", routes(_authority)),
    ],
    lifespan=_authority.lifespan,
)
