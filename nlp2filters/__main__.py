"""`python -m nlp2filters`."""

import sys

from nlp2filters.cli.main import main

sys.exit(main())
