"""``python3 -I -S /opt/sshore/agent [agent.json]``, or a program of a folder's: ``check-files``, ``guard-sftp …``."""

import sys

if __name__ == "__main__":
    # Each loads what it needs, and no more: the agent waits in every session, the others start for a stream.
    match sys.argv[1:]:
        case ["check-files"]:
            from sshore.agent import check_files

            sys.exit(check_files.main())
        case ["guard-sftp", *words]:
            from sshore.agent import guard_sftp

            sys.exit(guard_sftp.main(words))
    from sshore.agent.main import main

    sys.exit(main(sys.argv))
