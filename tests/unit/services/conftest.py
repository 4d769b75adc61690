"""A server's services, on files of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from world import World, open_world

from fakes.engine import FakeMachine


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine()


@pytest.fixture
async def world(tmp_path: Path, machine: FakeMachine) -> AsyncIterator[World]:
    async with open_world(tmp_path, machine) as opened:
        yield opened
