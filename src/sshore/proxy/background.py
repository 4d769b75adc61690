"""Starts `sshore proxy` on demand, detached from the terminal."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence

from sshore.core.errors import Unavailable
from sshore.proxy.client import LocalProxyClient, NotRunning, connect
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.private_files import make_private_directory, write_private

READY = b"ready\n"
_DEADLINE_S = 3.0
_MAX_LOG_BYTES = 1 << 20
_PROBE_BYTES = 4096
if sys.platform == "win32":
    _FLAGS = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _FLAGS = 0


def connect_or_start(config: ConfigDir, command: Sequence[str]) -> LocalProxyClient:
    """The running local proxy; one is started where there is none.

    `command` runs the local proxy in the foreground; it writes `READY` to stdout as soon as it serves.

    Raises:
        Unavailable: it does not start; says where its log is.
    """
    try:
        return connect(config)
    except NotRunning:
        _start(config, command)
    # Where two commands were at it at once, the one that runs is the other's, and is there in a moment.
    deadline = time.monotonic() + _DEADLINE_S
    while True:
        try:
            return connect(config)
        except NotRunning:
            if time.monotonic() > deadline:
                why = f"the local proxy did not start: {_last_line(config)}"
                raise Unavailable(f"{why}; its log is {config.proxy_log}") from None
            time.sleep(0.05)


def _start(config: ConfigDir, command: Sequence[str]) -> None:
    make_private_directory(config.root)
    if config.proxy_log.exists() and config.proxy_log.stat().st_size > _MAX_LOG_BYTES:
        config.proxy_log.replace(config.proxy_log.with_suffix(".log.old"))
    log = os.open(config.proxy_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=config.root,
            start_new_session=True,
            creationflags=_FLAGS,
        )
    finally:
        os.close(log)
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()  # READY, or nothing when it has ended
    # It is to outlive this process: whether it ends is no longer asked.
    process.returncode = 0


def _last_line(config: ConfigDir) -> str:
    """What it said last. Raises Unavailable where it could say nothing, as the disk is full."""
    lines = config.proxy_log.read_text(errors="replace").split("\n")
    if said := next((line.strip() for line in reversed(lines) if line.strip()), ""):
        return said
    probe = config.proxy_log.with_suffix(".probe")
    write_private(probe, bytes(_PROBE_BYTES))
    probe.unlink()
    return "it wrote nothing"
