"""`python -m nlp2filters`."""

import sys

from nlp2filters.cli import main

sys.exit(main())
