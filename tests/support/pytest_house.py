"""Fixtures of tests that run a whole house."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.core.policy import DEFAULT
from tests.support.house import KINDS, QUICK, House, Kind, a_house


@pytest.fixture
def anyio_backend() -> str:
    """Runs asynchronous tests on asyncio."""
    return "asyncio"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind of store."""
    found: Kind = request.param
    return found


@pytest.fixture
async def house(kind: Kind, tmp_path: Path) -> AsyncIterator[House]:
    """A house on each kind of store."""
    async with a_house(kind, tmp_path) as found:
        yield found


@pytest.fixture
async def quick(kind: Kind, tmp_path: Path) -> AsyncIterator[House]:
    """A house with a short lease on each kind of store."""
    async with a_house(kind, tmp_path, replace(DEFAULT, staleness=QUICK)) as found:
        yield found
