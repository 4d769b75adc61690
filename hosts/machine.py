"""A fresh machine on this one: a root file system in namespaces of its own, with a network by slirp4netns."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BOOT = Path(__file__).with_name("boot.sh")
_SPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--net", "--uts", "--ipc")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_BASICS = {"PATH": _PATH, "HOME": "/root", "USER": "root", "LOGNAME": "root", "LANG": "C.UTF-8", "TERM": "xterm"}
_NAMESERVER = "10.0.2.3"
"""Asks whom this machine asks (slirp4netns(1))."""
_CERTIFICATES = "/etc/ssl/registries.crt"
_NAME_A_FILE = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
_KEPT = ("PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "NPM_CONFIG_REGISTRY", "http_proxy", "https_proxy", "no_proxy")


def run_in(root: Path, *command: str, timeout_s: float, **variables: str) -> int:
    """Run a command as all that a fresh machine runs; its exit status. With it every process there ends.

    Of this machine's environment it gets what says how the package registries are reached, and no more.
    `subprocess.TimeoutExpired` when it takes longer.
    """
    environment = {**_BASICS, **_registries(root), **variables}
    (root / "etc/resolv.conf").write_text(f"nameserver {_NAMESERVER}\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost fresh\n::1 localhost\n")
    with _booted([*_SPACES, "bash", str(_BOOT), str(root), *command], environment) as machine, _network(machine.pid):
        machine.communicate(b"go\n", timeout=timeout_s)
        return machine.returncode


@contextmanager
def _booted(command: list[str], environment: dict[str, str]) -> "Iterator[subprocess.Popen[bytes]]":
    """The machine, when its namespaces are made; killed at the end, should it still run."""
    here, says = os.pipe()
    with os.fdopen(here, "rb") as ready:
        try:
            boot = ["bash", "-c", f'exec "$@" 3>&{says} {says}>&-', "boot", *command]
            machine = subprocess.Popen(boot, env=environment, stdin=subprocess.PIPE, pass_fds=(says,), cwd="/")
        finally:
            os.close(says)
        with machine:
            try:
                if not ready.readline():
                    raise SystemExit("the fresh machine did not start; it has said why above")
                yield machine
            finally:
                machine.kill()


@contextmanager
def _network(pid: int) -> Iterator[None]:
    """Outgoing connections for the network namespace of a process."""
    ready, says = os.pipe()
    command = ["slirp4netns", "--configure", "--mtu=65520", f"--ready-fd={says}", str(pid), "tap0"]
    with os.fdopen(ready, "rb") as is_ready:
        try:
            slirp = subprocess.Popen(command, pass_fds=(says,), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        finally:
            os.close(says)
        with slirp:
            try:
                if not is_ready.read(1):
                    raise SystemExit(f"no network for the fresh machine: {(slirp.communicate()[0] or b'').decode()}")
                yield
            finally:
                slirp.terminate()


def _registries(root: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    bundle = next((os.environ[name] for name in _NAME_A_FILE if name in os.environ), None)
    if bundle is None:
        return kept
    # A registry of one's own often has a certificate of one's own.
    shutil.copyfile(bundle, root / _CERTIFICATES.lstrip("/"))
    return {**kept, **dict.fromkeys(_NAME_A_FILE, _CERTIFICATES)}
