"""How much room directories take, by du(1): it follows no link, whatever is moved under it, and no tree is too deep."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sshore.core.errors import Unavailable

_TIMEOUT_S = 120


async def disk_usage(directories: Sequence[Path]) -> int:
    """The bytes on the disk of all that is in the directories; a file with several names counts once.

    Cancelled, it leaves no program behind that counts on.

    Raises:
        Unavailable: it takes longer than two minutes.
    """
    if not directories:
        return 0
    command = ["du", "--summarize", "--total", "--one-file-system", "--block-size=1", "--", *map(str, directories)]
    # What is removed meanwhile is complained of, and changes nothing.
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            said, _ = await process.communicate()
    except TimeoutError as error:
        raise Unavailable("there is too much to be counted within two minutes: try again later") from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return int(said.splitlines()[-1].split()[0])
