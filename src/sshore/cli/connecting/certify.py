"""`sshore certify`: a fresh certificate for ``NAME.sshore``, before `ssh` has a stream.

`ssh` itself calls it through the managed ssh_config of Windows, and through that of older versions.
"""

from collections.abc import Mapping

from sshore.cli.connecting.ordinary import certificate_by_itself
from sshore.cli.connecting.quick import keep_certificate
from sshore.cli.failures import exit_status
from sshore.cli.local_user import user_from_environment
from sshore.core.errors import InvalidInput, SshoreError
from sshore.core.names import HOST_SUFFIX, session_of_host
from sshore.sdk.login_certificate import ForeignAnswer, check_label
from sshore.wire.problems import Code

_STREAM_SAYS = (Code.NOT_FOUND, Code.UNAUTHENTICATED, Code.TOKEN_EXPIRED, Code.USER_DISABLED, Code.UNAVAILABLE)
"""What `sshore stream` meets, too, in the same `ssh`: it is not to be said twice."""


def run_certify(environment: Mapping[str, str], arguments: list[str]) -> int:
    """Run ``certify NAME[.sshore]``."""
    if len(arguments) != 1:
        raise InvalidInput("usage: sshore certify NAME")
    user = user_from_environment(environment)
    try:
        name = check_label(session_of_host(arguments[0]))
        login = certificate_by_itself(user, name)
    except ForeignAnswer as error:
        raise InvalidInput(str(error)) from error
    except SshoreError as error:
        if error.problem.code in _STREAM_SAYS:
            return exit_status(error)
        raise
    keep_certificate(str(user.config.root), user.login().address.url, login, f"{name}{HOST_SUFFIX}")
    return 0
