"""`python -m optbench`: the command line of this interpreter's optbench."""

import sys

from optbench.cli import main

if __name__ == "__main__":
    sys.exit(main())
