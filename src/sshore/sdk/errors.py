"""What a client can meet beside the core's refusals.

SshoreError
├── ApiError            the server refused; has its problem and the HTTP status
├── ServerUnreachable   there was no answer; says why, and how to start or find the server
└── ConnectionLost      a stream broke off in the middle
"""

from sshore.core.errors import SshoreError, Unavailable
from sshore.sdk.address import ServerAddress
from sshore.wire.problems import Problem


class ApiError(SshoreError):
    """The server's refusal. `status` is HTTP's; `code` and `detail` are the problem document's."""

    def __init__(self, problem: Problem, status: int) -> None:
        super().__init__(problem.detail, code=problem.code, **problem.fields)
        self.status = status

    @property
    def code(self) -> str:
        return str(self.problem.code)

    @property
    def detail(self) -> str:
        return self.problem.detail


class ServerUnreachable(Unavailable):
    """The server could not be reached, or fell silent."""

    def __init__(self, address: ServerAddress, reason: BaseException | str) -> None:
        self.reason = reason if isinstance(reason, str) else explain(reason)
        advice = "start it with: sshore up" if address.is_loopback else "check the address and your network"
        super().__init__(f"cannot reach the server {address.url}: {self.reason}; {advice}", server=address.url)


def foreign_answer(url: str, why: Exception) -> SshoreError:
    """The error for an answer that no Sshore server gives."""
    return SshoreError(f"{url} answered, but not as a Sshore server does: {why}")


class ConnectionLost(Unavailable):
    """A stream broke off in the middle."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the connection was lost: {reason}")


def explain(error: BaseException) -> str:
    """A phrase for a network error, without Python's or errno's own decoration."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower() if error.strerror[0].isupper() else error.strerror
    return str(error) or type(error).__name__
