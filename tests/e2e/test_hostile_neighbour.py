"""One member does the worst that a member can: nothing of another's fails. How slow it gets is the bench's (k)."""

from collections.abc import Iterator

import pytest
from deployment import Deployment

from bench.deployment import SESSION, endpoint_of
from bench.neighbour import KINDS, Felt, Member, attack

pytestmark = pytest.mark.alone  # what it takes of the machine others' tests would miss
_LONG_S = 0.5


@pytest.fixture(scope="module")
def worst(shared: Deployment) -> Iterator[Member]:
    yield from _member(shared, "worst", "--memory", "2g")


@pytest.fixture(scope="module")
def other(shared: Deployment) -> Iterator[Member]:
    yield from _member(shared, "other")


def _member(shared: Deployment, name: str, *options: str) -> Iterator[Member]:
    owner = shared.member(name)
    owner.run_session(SESSION, "--network", "none", *options)
    yield Member(owner.environment, endpoint_of(owner.environment))
    owner.remove(SESSION)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_fails_beside_the_worst(shared: Deployment, worst: Member, other: Member, kind: str) -> None:
    felt = Felt()
    with attack(kind, worst, _LONG_S) as goes_on:
        while goes_on():
            felt.look(other)
    felt.look(other)
    assert felt.failures == []
