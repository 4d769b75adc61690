"""Runs a command by libssh, which has no program of its own:  python libssh_client.py SSH_CONFIG HOST KEY COMMAND"""

import ctypes
import ctypes.util
import os
import sys

_HOST, _IDENTITY = 0, 6  # enum ssh_options_e
_OK = _AUTHENTICATED = 0


def main() -> None:
    config, host, key, command = (os.fsencode(word) for word in sys.argv[1:])
    libssh = ctypes.CDLL(ctypes.util.find_library("ssh"))
    for function in ("ssh_new", "ssh_channel_new"):
        getattr(libssh, function).restype = ctypes.c_void_p
    libssh.ssh_get_error.restype = ctypes.c_char_p
    session = ctypes.c_void_p(libssh.ssh_new())

    def check(result: int, step: str) -> None:
        if result != _OK:
            sys.exit(f"{step}: {libssh.ssh_get_error(session).decode()}")

    check(libssh.ssh_options_set(session, _HOST, host), "host")
    check(libssh.ssh_options_parse_config(session, config), "config")
    check(libssh.ssh_options_set(session, _IDENTITY, key), "identity")
    check(libssh.ssh_connect(session), "connect")
    check(libssh.ssh_userauth_publickey_auto(session, None, None), "login")
    channel = ctypes.c_void_p(libssh.ssh_channel_new(session))
    check(libssh.ssh_channel_open_session(channel), "channel")
    check(libssh.ssh_channel_request_exec(channel, command), "exec")
    buffer = ctypes.create_string_buffer(4096)
    size = libssh.ssh_channel_read(channel, buffer, len(buffer), 0)
    sys.stdout.write(buffer.raw[: max(size, 0)].decode())
    libssh.ssh_disconnect(session)


if __name__ == "__main__":
    main()
