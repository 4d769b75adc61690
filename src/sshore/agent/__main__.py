"""``python3 -I -S /opt/sshore/agent [agent.json]``, or ``… until-closed PLACE…``; or a program of a folder's:
``check-files``, ``guard-sftp …``."""

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
        case ["until-closed", *places]:
            from sshore.agent.closed_mounts import wait_until_closed

            if not wait_until_closed(places):
                sys.exit(1)
            del sys.argv[1:]
    from sshore.agent.main import main

    sys.exit(main(sys.argv))
