"""(k) What one member feels of another who does the worst that a member can, kind by kind."""

import http.client
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench import worst_inside, worst_outside
from bench.deployment import SESSION, SSHORE, Deployment, endpoint_of, sshore_in
from bench.endpoint import Endpoint
from bench.figures import Figure
from bench.turns import timed
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.credentials import Login, read_credentials

KINDS = (*worst_inside.KINDS, *worst_outside.KINDS)
_MOST = 2.0
_QUIET_TURNS = 9
_LATE_S = 60.0
_POLITE = 19
"""The nice value of what runs outside: on the attacker's own machine it would take nothing of this one's."""


@dataclass(frozen=True)
class Member:
    """A user without an admin's rights, with a session and a forward to it."""

    environment: dict[str, str]
    endpoint: Endpoint

    @property
    def login(self) -> Login:
        return read_credentials(ConfigDir(Path(self.environment["SSHORE_CONFIG_DIR"])).credentials).choose()


@dataclass
class Felt:
    """Seconds of each `ssh … true`, and what failed."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def look(self, member: Member) -> None:
        """One `ssh … true`, one file by sftp, one request."""
        self.seconds.append(timed(lambda: self._run("ssh", member.endpoint.ssh("true"))))
        self._run("sftp", member.endpoint.sftp(), b"get .bashrc /dev/null\n")
        try:
            connection = http.client.HTTPConnection(
                member.login.address.host, member.login.address.port, timeout=_LATE_S
            )
            connection.request("GET", "/api/v1/me", headers={"Authorization": f"Bearer {member.login.token}"})
            if (status := connection.getresponse().status) != 200:
                self.failures.append(f"API: {status}")
            connection.close()
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(f"API: {error!r}")

    def _run(self, name: str, command: list[str], said: bytes = b"") -> None:
        try:
            done = subprocess.run(command, input=said, capture_output=True, timeout=_LATE_S)
        except subprocess.TimeoutExpired:
            self.failures.append(f"{name}: not within {_LATE_S:g} s")
        else:
            if done.returncode:
                self.failures.append(f"{name}: {done.stderr.decode(errors='replace').strip()}")


def neighbours(ours: Deployment, seconds: float) -> list[Figure]:
    """Figures for each kind of attack, which goes on for so long."""
    with member(ours, "worst") as worst, member(ours, "ann") as ann:
        return [_figure(kind, *_felt(kind, worst, ann, seconds)) for kind in KINDS]


def _felt(kind: str, worst: Member, ann: Member, seconds: float) -> tuple[Felt, Felt]:
    quiet, beside = Felt(), Felt()
    for _ in range(_QUIET_TURNS):
        quiet.look(ann)
    with attack(kind, worst, seconds) as goes_on:
        while goes_on():
            beside.look(ann)
    return quiet, beside


def _figure(kind: str, quiet: Felt, beside: Felt) -> Figure:
    value, base = median(beside.seconds), median(quiet.seconds)
    failures = [*quiet.failures, *beside.failures]
    print(f"  {kind}: {value / base:.2f} x, {len(beside.seconds)} looks, {len(failures)} failed", file=sys.stderr)
    samples = {"quiet_s": quiet.seconds, "beside_s": beside.seconds, "failures": failures}
    name = f"ssh … true beside {kind}, {len(failures)} failed"
    ratio = value / base if not failures else float("inf")
    return Figure(
        "k", name, value * 1e3, "ms", base * 1e3, "≤ 2 × quiet, none failed", ratio, most=_MOST, samples=samples
    )


@contextmanager
def attack(kind: str, worst: Member, seconds: float) -> Iterator[Callable[[], bool]]:
    """One kind of attack, that goes on for so long, and is over with the block; whether it still goes on.

    Raises:
        RuntimeError: it ended early.
    """
    run = _outside if kind in worst_outside.KINDS else _inside
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(run, kind, worst, seconds)
        yield lambda: not running.done()
        running.result()


def _inside(kind: str, worst: Member, seconds: float) -> None:
    program = Path(worst_inside.__file__)
    began = time.monotonic()
    with program.open("rb") as text:
        done = subprocess.run(
            worst.endpoint.ssh(f"python3 - {kind} {seconds:g}"),
            stdin=text,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=seconds + _LATE_S,
        )
    if time.monotonic() - began < seconds:
        raise RuntimeError(f"{kind} ended early: {done.stderr.decode(errors='replace')[-1000:]}")


def _outside(kind: str, worst: Member, seconds: float) -> None:
    command = ["nice", "-n", str(_POLITE), sys.executable, "-m", "bench.worst_outside", kind, f"{seconds:g}"]
    subprocess.run([*command, str(worst.endpoint.port)], env=worst.environment, timeout=seconds + _LATE_S, check=True)


@contextmanager
def member(ours: Deployment, name: str, *options: str) -> Iterator[Member]:
    """A new user of the deployment's, with a config directory, a local proxy and a session."""
    config = Path(tempfile.mkdtemp(prefix="sshore-bench-member-"))
    environment = {**ours.environment, "SSHORE_CONFIG_DIR": str(config)}
    ours.sshore("user", "add", name)
    token = ours.sshore("token", "create", "--user", name).decode().strip()
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, config)
        stack.callback(subprocess.run, [SSHORE, "proxy", "stop"], env=environment, stdout=subprocess.DEVNULL)
        sshore_in(environment, "login", ours.login.address.url, "--token", token)
        sshore_in(environment, "run", SESSION, "--network", "none", "--app", "ssh", *options)
        stack.callback(sshore_in, environment, "rm", "--force", SESSION)
        yield Member(environment, endpoint_of(environment))
