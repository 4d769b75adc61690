"""The lines of a link: split wherever they arrive, and never more than one object each."""

import pytest

from sshore.wire import lines


def test_bytes_after_the_line_belong_to_the_stream() -> None:
    line = lines.encode_line({"ok": True})
    assert lines.split_line(line + b"SSH-2.0-OpenSSH\r\n") == ({"ok": True}, b"SSH-2.0-OpenSSH\r\n")
    assert lines.split_line(line[:-1]) is None


@pytest.mark.parametrize("line", [b"\n", b"[]\n", b"SSH-2.0-x\n", b"x" * lines.MAX_LINE_BYTES])
def test_what_is_no_object_on_one_line_is_refused(line: bytes) -> None:
    with pytest.raises(lines.LineError):
        lines.split_line(line)
