"""Completion in bash and zsh, where click's own does not fit words with colons: ``folder:data/``, ``demo:results``.

bash splits words at the characters of COMP_WORDBREAKS, the colon among them, and replaces only what follows the last
one. So it sends the whole line up to the cursor, and gets back only that last part.
"""

import os
import re
from typing import Any

from click.shell_completion import BashComplete, CompletionItem, ZshComplete, add_completion_class, split_arg_string

_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' response type value
    response=$(env COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1")
    COMPREPLY=()
    for completion in $response; do
        IFS=',' read -r type value <<< "$completion"
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[:/=] ]] && compopt -o nospace
    return 0
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local -a whole unfinished described response
    local type key descr
    response=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) \\
        %(complete_var)s=zsh_complete %(prog_name)s)}")
    for type key descr in ${response}; do
        if [[ $type == dir ]]; then _path_files -/
        elif [[ $type == file ]]; then _path_files -f
        elif [[ $descr != _ ]]; then described+=("$key":"$descr")
        elif [[ $key == *[:/=] ]]; then unfinished+=("$key")
        else whole+=("$key")
        fi
    done
    [[ -n $described ]] && _describe -V unsorted described -U
    [[ -n $whole ]] && compadd -U -V unsorted -a whole
    [[ -n $unfinished ]] && compadd -U -S '' -V unsorted -a unfinished
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
    compdef %(complete_func)s %(prog_name)s
fi
"""


class Bash(BashComplete):
    source_template = _BASH
    _replaced = 0
    """How much of the last word stays as it is on the line."""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)
        last = words.pop() if words and not line[-1:].isspace() else ""
        self._replaced = kept_by_bash(last, os.environ.get("COMP_WORDBREAKS", ""))
        return words[1:], last

    def format_completion(self, item: CompletionItem[Any]) -> str:
        value = re.sub(r"([^\w./:@%+,=~-])", r"\\\1", item.value[self._replaced :])
        return f"{item.type},{value}"


class Zsh(ZshComplete):
    source_template = _ZSH


def kept_by_bash(word: str, word_breaks: str) -> int:
    """How many of a word's first characters bash leaves alone when it completes the word."""
    return max((word.rfind(c) + 1 for c in ":=" if c in word_breaks), default=0)


def teach_click() -> None:
    """Have click use these."""
    for kind in (Bash, Zsh):
        add_completion_class(kind)
