"""`sshore certify`: a fresh certificate for ``NAME.sshore``, called by `ssh` itself through the managed ssh_config."""

from sshore.cli.failures import suggesting
from sshore.cli.openssh import client_public_key, require, trust
from sshore.cli.user import User
from sshore.core.errors import InvalidInput
from sshore.core.names import HOST_SUFFIX, session_of_host
from sshore.sdk.private_files import write_private


def run_certify(user: User, arguments: list[str]) -> int:
    """Run ``certify NAME[.sshore]``."""
    if len(arguments) != 1:
        raise InvalidInput("usage: sshore certify NAME")
    require("ssh-keygen")
    name = session_of_host(arguments[0])
    with user.client() as client, suggesting(client, name):
        certificate = client.certificate(name, client_public_key(user.config))
        trust(user.config, client)
    write_private(user.config.certificate(f"{name}{HOST_SUFFIX}"), certificate.certificate.strip() + "\n")
    return 0
