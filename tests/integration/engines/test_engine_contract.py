"""The contract suite in every world: the fake's, and the sandbox engine's as root and as an ordinary user."""

import asyncio
import os
from collections.abc import Callable

import pytest
from as_ordinary_user import run_as_user
from contract import BEHAVIOURS
from worlds import ORDINARY_USER_UID, OWNER_UID, Behaviour, FakeWorld, SandboxWorld, sandbox_world

Runner = Callable[[Behaviour], None]


def _in_fake(behaviour: Behaviour) -> None:
    asyncio.run(behaviour(FakeWorld()))


def _in_sandbox(behaviour: Behaviour, owner_uid: int | None) -> None:
    async def run(world: SandboxWorld) -> None:
        try:
            await behaviour(world)
        finally:
            await world.close_engines()

    with sandbox_world(owner_uid) as world:
        asyncio.run(run(world))


def _as_root(behaviour: Behaviour) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root")
    _in_sandbox(behaviour, OWNER_UID)


def _as_ordinary_user(behaviour: Behaviour) -> None:
    if os.getuid() == 0:
        run_as_user(ORDINARY_USER_UID, lambda: _in_sandbox(behaviour, None))
    else:
        _in_sandbox(behaviour, None)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
@pytest.mark.parametrize("run", [_in_fake, _as_root, _as_ordinary_user], ids=["fake", "root", "user"])
def test_contract(run: Runner, behaviour: Behaviour) -> None:
    run(behaviour)
