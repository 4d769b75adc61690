"""An ssh-agent that holds one security key (sk-ssh-ed25519), without the hardware: the tests' own counterpart to a
FIDO token, for what `ssh` and `sshd` make of such keys (PROTOCOL.agent, PROTOCOL.u2f)."""

import base64
import hashlib
import socket
import threading
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_REQUEST_IDENTITIES, _IDENTITIES, _SIGN, _SIGNATURE, _FAILURE = 11, 12, 13, 14, 5
_TYPE = b"sk-ssh-ed25519@openssh.com"
_APPLICATION = b"ssh:"
_TOUCHED = b"\1"


class SecurityKeyAgent:
    """A context: listens at `path`, which becomes SSH_AUTH_SOCK."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._key = Ed25519PrivateKey.generate()
        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._blob = _string(_TYPE) + _string(public) + _string(_APPLICATION)
        self._counter = 0

    @property
    def public_line(self) -> str:
        return f"{_TYPE.decode()} {base64.b64encode(self._blob).decode()} token@test"

    def __enter__(self) -> "SecurityKeyAgent":
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, suppress(EOFError):
                while True:
                    message = _receive(client, int.from_bytes(_receive(client, 4), "big"))
                    client.sendall(_string(self._answer(message)))

    def _answer(self, message: bytes) -> bytes:
        if message[0] == _REQUEST_IDENTITIES:
            return bytes([_IDENTITIES]) + (1).to_bytes(4, "big") + _string(self._blob) + _string(b"token@test")
        if message[0] == _SIGN:
            blob, rest = _field(message[1:])
            data, _ = _field(rest)
            assert blob == self._blob
            return bytes([_SIGNATURE]) + _string(self._sign(data))
        return bytes([_FAILURE])

    def _sign(self, data: bytes) -> bytes:
        self._counter += 1
        counter = self._counter.to_bytes(4, "big")
        application, challenge = (hashlib.sha256(part).digest() for part in (_APPLICATION, data))
        signature = self._key.sign(application + _TOUCHED + counter + challenge)
        return _string(_TYPE) + _string(signature) + _TOUCHED + counter


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _field(data: bytes) -> tuple[bytes, bytes]:
    end = 4 + int.from_bytes(data[:4], "big")
    return data[4:end], data[end:]


def _receive(client: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        more = client.recv(length - len(data))
        if not more:
            raise EOFError
        data += more
    return data
