"""`python -m nlp2filters`."""

import sys

from nlp2filters.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
