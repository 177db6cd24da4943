"""Run one of the Procfile's commands as the next version would: `python -m chaos.newer python -m MODULE …`.

All that differs is the version of the records that it writes and can read.
"""

import runpy
import sys

from nlp2filters.core import jobs

jobs.VERSION += 1
sys.argv = sys.argv[3:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
