"""fastapi-users with its database strategy on SQLite: a cookie whose session is looked up at every request.

Put together as its documentation shows; passwords are hashed with the same Argon2 parameters as ours.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, CookieTransport
from fastapi_users.authentication.strategy.db import AccessTokenDatabase, DatabaseStrategy
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users.password import PasswordHelper
from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase, SQLAlchemyBaseAccessTokenTableUUID
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from benchmarks.stall import StallProbe
from tallystick.identity.password import PasswordParameters

_SECRET = "a key of the benchmark only, 0123456789abcdef"
_engine = create_async_engine(f"sqlite+aiosqlite:///{os.environ['BENCH_FILE']}")
_sessions = async_sessionmaker(_engine, expire_on_commit=False)
_probe = StallProbe()


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = _SECRET
    verification_token_secret = _SECRET


async def db() -> AsyncIterator[AsyncSession]:
    async with _sessions() as session:
        yield session


async def users(session: Annotated[AsyncSession, Depends(db)]) -> AsyncIterator[Any]:
    yield SQLAlchemyUserDatabase(session, User)


async def tokens(session: Annotated[AsyncSession, Depends(db)]) -> AsyncIterator[Any]:
    yield SQLAlchemyAccessTokenDatabase(session, AccessToken)


async def manager(found: Annotated[Any, Depends(users)]) -> AsyncIterator[UserManager]:
    same = PasswordParameters()
    hasher = Argon2Hasher(time_cost=same.time_cost, memory_cost=same.memory_kib, parallelism=same.parallelism)
    yield UserManager(found, PasswordHelper(PasswordHash((hasher,))))


def strategy(found: Annotated[AccessTokenDatabase[Any], Depends(tokens)]) -> DatabaseStrategy[Any, Any, Any]:
    return DatabaseStrategy(found, lifetime_seconds=3600)


_backend = AuthenticationBackend("database", CookieTransport(cookie_max_age=3600, cookie_secure=False), strategy)
_fastapi_users = FastAPIUsers[User, uuid.UUID](manager, [_backend])
CurrentUser = Annotated[User, Depends(_fastapi_users.current_user(active=True))]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with _engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield


app = FastAPI(lifespan=lifespan)
app.include_router(_fastapi_users.get_auth_router(_backend), prefix="/auth")
app.include_router(_fastapi_users.get_register_router(schemas.BaseUser[uuid.UUID], schemas.BaseUserCreate))


@app.get("/open")
async def open_to_all() -> dict[str, list[str]]:
    return {"notes": ["milk", "bread"]}


@app.get("/mine")
async def mine(user: CurrentUser) -> dict[str, list[str]]:
    return {"notes": ["milk", "bread"]}


@app.get("/stalls/start")
async def start_probe() -> dict[str, str]:
    _probe.start()
    return {}


@app.get("/stalls")
async def stalls() -> list[float]:
    return _probe.take()
