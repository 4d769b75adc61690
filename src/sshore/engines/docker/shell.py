"""The login shell of images that have none: says so, and runs single programs, so that rsync and scp work."""

from sshore.core import layout

NO_SHELL = "/etc/sshore-shell"
"""Where it lies in the container."""

NO_SHELL_TEXT = f"""\
#!{layout.KIT_PYTHON} -IS
# The login shell of an image without a shell: runs one program, with neither pipes nor variables.
import _signal
import os
import sys


def words(line):
    found, word, quote, escaped = [], None, "", False
    for mark in line:
        if escaped:
            word, escaped = (word or "") + mark, False
        elif mark == "\\\\" and quote != "'":
            escaped = True
        elif quote:
            word, quote = (word, "") if mark == quote else (word + mark, quote)
        elif mark in "'\\"":
            word, quote = word or "", mark
        elif mark in " \\t":
            found, word = (found if word is None else [*found, word]), None
        elif mark in "|&;<>()$`\\n":
            return []
        else:
            word = (word or "") + mark
    return found if word is None else [*found, word]


command = words(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[1] == "-c" else []
if command:
    # Python ignores these, and what is ignored stays so across execve(2).
    _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
    _signal.signal(_signal.SIGXFSZ, _signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write(f"{{command[0]}}: {{error.strerror}}\\n")
sys.stderr.write("The image of this session has no shell: sftp, scp, rsync and single programs work here.\\n")
sys.exit(127)
"""
