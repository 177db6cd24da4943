"""Run one of the service's commands as the next version of the program would: `python -m chaos.newer COMMAND …`.

All that differs is the version of the records that it writes and can read.
"""

import runpy
import shutil
import sys

from nlp2filters.core import jobs

jobs.VERSION += 1
sys.argv = sys.argv[1:]
runpy.run_path(shutil.which(sys.argv[0]) or sys.argv[0], run_name="__main__")
