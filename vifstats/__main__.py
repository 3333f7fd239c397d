"""``python -m vifstats`` is the command ``vifstats``."""

import sys

from vifstats.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
