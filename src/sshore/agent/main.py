"""Wires the agent, runs it, and ends it in order."""

import os
import signal

from sshore.agent.apps import Apps
from sshore.agent.authorized_keys import AuthorizedKeys
from sshore.agent.check_app import CheckApp
from sshore.agent.children import Children
from sshore.agent.config import DEFAULT_PATH, AgentConfig, ConfigError, read_config
from sshore.agent.journal import say
from sshore.agent.logged_program import LoggedProgram
from sshore.agent.login_shell import without_shell
from sshore.agent.loop import Loop
from sshore.agent.own_keys import OwnKeys
from sshore.agent.pool import Pool
from sshore.agent.requests import Requests
from sshore.agent.ssh_app import SshApp

AGENT_END_GRACE_S = 3.0


def main(argv: list[str]) -> int:
    """Run until SIGTERM. The exit status is 0 then, and 1 when the configuration cannot be read."""
    _fill_standard_streams()
    try:
        config = read_config(argv[1] if len(argv) > 1 else DEFAULT_PATH)
    except (OSError, ConfigError) as error:
        say(f"the agent cannot start: {error}")
        return 1
    _enter_session(config)
    run(config)
    return 0


def run(config: AgentConfig) -> None:
    """Serve until SIGTERM or SIGINT, then end all children."""
    loop = Loop(on_error=lambda error: say(f"a fault of the agent's own: {_origin(error)}"))
    children = Children(loop)
    keys, in_home = OwnKeys(config.authorized_keys), AuthorizedKeys(config.home)
    ssh = SshApp(loop, children, config.kit_bin, config.sshd_config, keys, in_home)
    check = CheckApp(children, config.kit_bin)
    apps = Apps(loop, children, ssh, check, (*config.notes, *without_shell(config.shell, os.environ.get("SHELL", ""))))
    bootstrap, entrypoint = _programs(loop, children, config)

    def in_touch() -> None:
        bootstrap.start()
        entrypoint.start()

    pool = Pool(loop, config.gateway, config.token, Requests(apps, entrypoint).serve, on_first_link=in_touch)

    def end() -> None:
        say("the agent ends")
        pool.close()
        children.end(children.all(), AGENT_END_GRACE_S, loop.stop)

    # The session does not end with the terminal that the server was started from.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    loop.on_signals({signal.SIGCHLD: children.reap, signal.SIGTERM: end, signal.SIGINT: end})
    say(f"the agent of session {config.session} runs, pid {os.getpid()}")
    apps.launch(config.apps)
    pool.fill()
    loop.run()


def _programs(loop: Loop, children: Children, config: AgentConfig) -> tuple[LoggedProgram, LoggedProgram]:
    """What runs beside everything else when the session is in touch; neither waits for the other."""
    script = (config.bootstrap,) if config.bootstrap else ()
    hint = ": is its first line right?"
    bootstrap = LoggedProgram(loop, children, "bootstrap", "the bootstrap script", script, config.home, hint=hint)
    command, title = tuple(config.entrypoint), "the image's entrypoint"
    return bootstrap, LoggedProgram(
        loop, children, "entrypoint", title, command, config.home, config.working_dir, f": {' '.join(command)}"
    )


def _enter_session(config: AgentConfig) -> None:
    """Take the session's directory and environment, which all children inherit."""
    os.environ.update({"HOME": config.home, "USER": "work", "LOGNAME": "work", **config.environment})
    try:
        os.chdir(config.home)
    except OSError:
        os.chdir("/")


def _fill_standard_streams() -> None:
    """Sockets must not become fd 0, 1 or 2 when the engine started the agent with those closed."""
    fd = os.open(os.devnull, os.O_RDWR)
    while fd < 2:
        fd = os.dup(fd)
    if fd > 2:
        os.close(fd)


def _origin(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    return f"{type(error).__name__}: {error} ({place})"
