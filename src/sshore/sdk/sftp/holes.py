"""Sparse files: what is nothing but zeros at the ends of a piece is not written, and the file system makes it a hole.

SFTP tells nothing of holes, so on the way down the zeros travel; on the way up they do not.
"""

import os

_BLOCK_BYTES = 4096
_ZEROS = bytes(_BLOCK_BYTES)


def data_span(piece: memoryview) -> tuple[int, int]:
    """From where to where a piece has to be written, in whole blocks; nowhere where it is all zeros."""
    start, end = 0, len(piece)
    while start < end and _is_zero(piece[start : min(start + _BLOCK_BYTES, end)]):
        start = min(start + _BLOCK_BYTES, end)
    while end > start and _is_zero(piece[max(end - _BLOCK_BYTES, start) : end]):
        end = max(end - _BLOCK_BYTES, start)
    return start, end


def is_sparse(status: os.stat_result) -> bool:
    """Whether a file takes less room than it is long; Windows does not tell."""
    blocks: int | None = getattr(status, "st_blocks", None)
    return blocks is not None and blocks * 512 < status.st_size


def _is_zero(block: memoryview) -> bool:
    return bytes(block) == _ZEROS[: len(block)]
