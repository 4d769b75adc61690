"""Runs a command by Paramiko: paramiko_client.py PORT KEY_FILE KNOWN_HOSTS COMMAND"""

import sys

import paramiko

port, key_file, known_hosts, command = sys.argv[1:]
with paramiko.SSHClient() as client:
    client.load_host_keys(known_hosts)
    client.connect("localhost", int(port), "work", key_filename=key_file, allow_agent=False, look_for_keys=False)
    print(client.exec_command(command)[1].read().decode())
