"""proxy, proxy start, proxy stop, proxy status."""

import asyncio
import logging
import os
import sys
import time
from contextlib import suppress

import click

from sshore.cli.commands.forwards import local_proxy
from sshore.cli.local_user import LocalUser
from sshore.cli.output import count, json_option, print_json, print_pairs
from sshore.core.errors import Unavailable
from sshore.proxy.background import READY
from sshore.proxy.client import NotRunning
from sshore.proxy.client import connect as connect_to_proxy
from sshore.proxy.instance import is_held, read_address

_STOP_DEADLINE_S = 10.0


@click.group(invoke_without_command=True)
@click.option("--detached", is_flag=True, hidden=True)
@click.pass_context
def proxy(context: click.Context, detached: bool) -> None:
    """The local proxy, which holds the local ports; `sshore connect` starts it by itself.

    Without a subcommand it runs in the foreground, until Ctrl-C.
    """
    if context.invoked_subcommand is None:
        _run_in_foreground(context.obj, detached)


@proxy.command()
@click.pass_obj
def start(user: LocalUser) -> None:
    """Start it in the background; nothing is done when it runs."""
    status = local_proxy(user).status()
    print(f"the local proxy runs (process {status['pid']}), with {count(status['forwards'], 'forward')}")


@proxy.command()
@click.pass_obj
def stop(user: LocalUser) -> None:
    """Stop it. The forwards come back when it is started again."""
    address = read_address(user.config)
    try:
        connect_to_proxy(user.config).stop()
    except NotRunning:
        print("the local proxy does not run")
        return
    deadline = time.monotonic() + _STOP_DEADLINE_S
    while is_held(user.config) and read_address(user.config) in (None, address):  # else it is another that runs
        if time.monotonic() > deadline:
            raise Unavailable(f"the local proxy has not stopped yet; its log is {user.config.proxy_log}")
        time.sleep(0.02)
    print("the local proxy is stopped; its forwards come back with: sshore proxy start")


@proxy.command("status")
@json_option
@click.pass_obj
def status_(user: LocalUser, as_json: bool) -> None:
    """Show whether it runs (exit status 5: it does not)."""
    status = connect_to_proxy(user.config).status()
    if as_json:
        print_json(status)
    else:
        where = "" if status["host"] == "proxy" else f" inside `sshore {status['host']}`"
        print_pairs(
            [
                ("local proxy", f"runs{where}"),
                ("process", str(status["pid"])),
                ("version", status["version"]),
                ("forwards", str(status["forwards"])),
                ("log", str(user.config.proxy_log)),
            ]
        )


def _run_in_foreground(user: LocalUser, detached: bool) -> None:
    _raise_descriptor_limit()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(user, detached))


def _loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    try:  # twice as fast where it is installed; it is not everywhere
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop


def _raise_descriptor_limit() -> None:
    """Each connection holds two descriptors, and many systems begin with 256 or 1024."""
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(OSError, ValueError):  # macOS has a lower limit than the one it names
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536) if hard > 0 else 65536, hard))


async def _serve(user: LocalUser, detached: bool) -> None:
    from sshore.cli.signals import stop_signals
    from sshore.proxy.local_proxy import run_local_proxy

    async with run_local_proxy(user.config) as local:
        with stop_signals(local.stop_asked):
            if detached:
                _report_ready()
            else:
                runs = f"the local proxy runs, with {count(len(local.engine.forwards()), 'forward')}"
                print(f"{runs}; Ctrl-C ends it", flush=True)
            await local.stop_asked.wait()


def _report_ready() -> None:
    """Tell the process that waits, then let go of its pipe."""
    sys.stdout.buffer.write(READY)  # noqa: TID251 - a pipe
    sys.stdout.flush()
    os.dup2(2, 1)
