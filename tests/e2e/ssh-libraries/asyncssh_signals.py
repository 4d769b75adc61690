"""Sends signals by AsyncSSH and prints what became of the programs: asyncssh_signals.py PORT KEY_FILE KNOWN_HOSTS"""

import asyncio
import json
import sys

import asyncssh

NAMES = (
    "TERM",
    "INT",
    "HUP",
    "KILL",
    "USR1",
    "USR2",
)  # and QUIT, which a shell may ignore before it has become the program


async def ended_by(connection: asyncssh.SSHClientConnection, name: str) -> str:
    """The signal that the server names as a program's end, when it was sent this one."""
    async with connection.create_process("echo ready; exec sleep 30") as process:
        await process.stdout.readline()
        process.send_signal(name)
        done = await process.wait()
        return str(done.exit_signal[0]) if done.exit_signal else f"status {done.exit_status}"


async def handled(connection: asyncssh.SSHClientConnection) -> list[object]:
    trap = "trap 'echo heard it; exit 7' USR1; echo ready; while :; do sleep 0.05; done"
    async with connection.create_process(f'exec bash -c "{trap}"') as process:
        await process.stdout.readline()
        process.send_signal("USR1")
        done = await process.wait()
        return [str(done.stdout).strip(), done.exit_status]


async def main(port: str, key_file: str, known_hosts: str) -> None:
    files = {"client_keys": [key_file], "known_hosts": known_hosts, "config": None}
    async with asyncssh.connect("localhost", int(port), username="work", **files) as connection:
        found = {name: await ended_by(connection, name) for name in NAMES}
        print(json.dumps({**found, "handled": await handled(connection)}))


asyncio.run(main(*sys.argv[1:]))
