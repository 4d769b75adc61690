"""`sshore certify`: a fresh certificate for ``NAME.sshore``, called by `ssh` itself through the managed ssh_config."""

from sshore.cli.connecting.openssh import client_public_key, require, trust
from sshore.cli.failures import exit_status
from sshore.cli.local_user import LocalUser
from sshore.core.errors import InvalidInput, SshoreError
from sshore.core.names import HOST_SUFFIX, session_of_host
from sshore.sdk.private_files import write_private
from sshore.wire.problems import Code

_STREAM_SAYS = (Code.NOT_FOUND, Code.UNAUTHENTICATED, Code.TOKEN_EXPIRED, Code.USER_DISABLED, Code.UNAVAILABLE)
"""What `sshore stream` meets, too, in the same `ssh`: it is not to be said twice."""


def run_certify(user: LocalUser, arguments: list[str]) -> int:
    """Run ``certify NAME[.sshore]``."""
    if len(arguments) != 1:
        raise InvalidInput("usage: sshore certify NAME")
    require("ssh-keygen")
    name = session_of_host(arguments[0])
    try:
        with user.client() as client:
            certificate = client.certificate(name, client_public_key(user.config))
            trust(user.config, client)
    except SshoreError as error:
        if error.problem.code in _STREAM_SAYS:
            return exit_status(error)
        raise
    write_private(user.config.certificate(f"{name}{HOST_SUFFIX}"), certificate.certificate.strip() + "\n")
    return 0
