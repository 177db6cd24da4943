"""Run one of the Procfile's commands as the next version of the program would: `python -m chaos.newer COMMAND …`.

All that differs is the version of the records that it writes and can read.
"""

import runpy
import shutil
import sys

from nlp2filters.core import jobs

jobs.VERSION += 1
if sys.argv[1:3] == ["python", "-m"]:
    sys.argv = sys.argv[3:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
else:
    sys.argv = sys.argv[1:]
    runpy.run_path(shutil.which(sys.argv[0]) or sys.argv[0], run_name="__main__")
