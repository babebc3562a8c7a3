"""Starlette's own session: the whole session in a signed cookie. Nothing is looked up, and nothing can be taken back."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

_SECRET = "a key of the benchmark only, 0123456789abcdef"


async def sign_in(request: Request) -> JSONResponse:
    request.session["user"] = "person@example.com"
    return JSONResponse({})


async def mine(request: Request) -> JSONResponse:
    if "user" not in request.session:
        return JSONResponse({"error": "not signed in"}, 401)
    return JSONResponse({"notes": ["milk", "bread"]})


async def open_to_all(request: Request) -> JSONResponse:
    return JSONResponse({"notes": ["milk", "bread"]})


app = Starlette(
    routes=[
        Mount(
            "/signed",
            routes=[Route("/mine", mine), Route("/sign-in", sign_in, methods=["POST"])],
            middleware=[Middleware(SessionMiddleware, secret_key=_SECRET)],
        ),
        Mount("/plain", routes=[Route("/mine", open_to_all)]),
    ],
)
