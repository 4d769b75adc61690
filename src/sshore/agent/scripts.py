"""Why a file that looks like a script is none: bytes of editors elsewhere, which no kernel or shell takes out."""

MARK = b"\xef\xbb\xbf"
_LINE_BYTES = 512


def why_no_script(command: str) -> str:
    """A phrase on a command that is the place of a script with a byte-order mark or Windows line ends; else empty."""
    try:
        with open(command, "rb") as file:  # noqa: PTH123 - pathlib costs a megabyte
            line = file.read(_LINE_BYTES)
    except OSError:
        return ""
    if line.startswith(MARK):
        return "it begins with a byte-order mark: save it as UTF-8 without one"
    if b"\0" not in line and b"\r\n" in line and not line.startswith(b"MZ"):
        return "it has Windows line ends (CRLF): save it with LF (dos2unix)"
    return ""
