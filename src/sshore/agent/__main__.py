"""``python3 -I -S /opt/sshore/agent [agent.json]``."""

import sys

from sshore.agent.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv))
