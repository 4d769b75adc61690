"""Runs a command by AsyncSSH: asyncssh_client.py PORT KEY_FILE KNOWN_HOSTS COMMAND"""

import asyncio
import sys

import asyncssh


async def main(port: str, key_file: str, known_hosts: str, command: str) -> None:
    files = {"client_keys": [key_file], "known_hosts": known_hosts, "config": None}
    async with asyncssh.connect("localhost", int(port), username="work", **files) as connection:
        print((await connection.run(command)).stdout)


asyncio.run(main(*sys.argv[1:]))
