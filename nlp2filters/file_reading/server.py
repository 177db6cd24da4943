"""Preparing the server that children are forked from: importing this module prepares its process.

The server ends with its caller. Until then it must outlive signals to the caller's group, as it reports how its
children end. Libraries that it loads later find the number of threads in the environment.
"""

import os
import signal

from nlp2filters.file_reading.orders import ONE_THREAD

signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.environ.update(ONE_THREAD)
