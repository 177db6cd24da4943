"""Run llama.cpp's server with a model until the process is stopped: `python tools/llama/server.py MODEL PORT`.

It runs in the environment that `make llama` makes, where xllamacpp contains the server.
"""

import signal
import sys
import threading

import xllamacpp

# The server answers this many requests at once, each with a context of this many tokens.
SLOTS, CONTEXT = 2, 32_768


def main(model: str, port: int) -> None:
    """Serve the model on this machine only."""
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_parallel = SLOTS
    params.n_ctx = SLOTS * CONTEXT
    # More threads than free processors wait for each other at every layer.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.use_jinja = True
    params.warmup = False
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    stopped.wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
