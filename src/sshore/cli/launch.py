"""Runs this program wherever it lies, by an isolated Python: run as a program.

python -I launch.py ARGUMENTS…        as the console script does
python -I -S launch.py ARGUMENTS…     without `site`, for what `ssh` waits for (`own_command.quick_command`)
"""

import sys


def load_site() -> None:
    """Have other packages than this one found, too, where Python was started without (python(1), -S)."""
    if sys.flags.no_site and "site" not in sys.modules:
        import site

        site.main()


if __name__ == "__main__":
    import os

    _packages = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    sys.path.insert(0, _packages)
    import sshore.cli.entry

    # Only for finding ourselves: the packages beside stand behind the standard library.
    sys.path.remove(_packages)
    sys.path.append(_packages)
    sys.exit(sshore.cli.entry.main())
