"""`nlp2filters up`: the whole service on one machine, with Redis, the model, and the processes of the Procfile."""

import os
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx
from honcho import manager
from honcho.environ import parse_procfile
from honcho.manager import Manager
from platformdirs import user_data_path

from nlp2filters.cli.log_printer import LogPrinter, message
from nlp2filters.core.kinds import AUDIO
from nlp2filters.embedding.weights import MINILM_BY_WEIGHTS
from nlp2filters.settings import Settings
from nlp2filters.storage.embedded_server import free_port, running

PORT = 8000
# Workers take up to 25 s to stop: see docs/reliability.md.
STOP_TIMEOUT_S = 28
PACKAGE = Path(__file__).parent.parent


def up(settings: Settings, environ: Mapping[str, str]) -> int:
    """Run everything until Ctrl-C or SIGTERM, or until a process ends. Returns the exit code.

    Variables missing in `environ` get defaults: REDIS_URL (an embedded server), PORT (8000, or a free port if that is
    taken), HOST (loopback), MODEL_PATH (found or fetched).

    Raises:
        ModelUnavailable, RedisServerMissing, RedisServerFailed: the service cannot start; nothing is left running.
    """
    printer = LogPrinter(settings.log_format, environ)
    with ExitStack() as stack:
        host = environ.get("HOST", "127.0.0.1")
        port = environ.get("PORT") or str(free_port(PORT))
        model = MINILM_BY_WEIGHTS[settings.embedding_weights]
        folder = model.locate(settings.model_path, settings.model_cache, progress=sys.stdout.isatty())
        defaults = {"HOST": host, "PORT": port, "MODEL_PATH": str(folder)}
        if "REDIS_URL" not in environ:
            server = stack.enter_context(running(user_data_path("nlp2filters") / "redis"))
            defaults["REDIS_URL"] = server.url
            printer.say(f"Redis runs at {server.url}, its data is in {server.log.parent}")
        defaults["PATH"] = _prefixed(Path(sys.executable).parent, environ.get("PATH", os.defpath))
        # The processes run this package, whatever modules there are in the caller's folder.
        defaults |= {"PYTHONPATH": _prefixed(PACKAGE.parent, environ.get("PYTHONPATH", "")), "PYTHONSAFEPATH": "1"}
        defaults["LOG_FORMAT"] = "json"  # They write to our printer, which has the terminal.
        address = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104
        processes = _Processes(f"http://{address}:{port}", printer)
        for name, command in parse_procfile((PACKAGE / "Procfile").read_text()).processes.items():
            if name == AUDIO and not settings.audio:
                continue
            processes.add_process(name, f"exec {command}", env={**environ, **defaults})
        processes.loop()
        return 0 if processes.asked_to_stop else processes.returncode or 1


def _prefixed(folder: Path, path: str) -> str:
    return os.pathsep.join([str(folder), *filter(None, [path])])


class _Processes(Manager):  # type: ignore[misc]  # honcho has no types
    """Honcho's manager, which also announces when the service at `url` is ready, and gives processes time to stop."""

    def __init__(self, url: str, printer: LogPrinter) -> None:
        super().__init__(printer)
        self._url = url
        self._stopping = threading.Event()
        manager.KILL_WAIT = STOP_TIMEOUT_S  # The default of honcho is 5 s.

    @property
    def asked_to_stop(self) -> bool:
        """True if a signal ended it, and not the failure of a process."""
        return self.returncode in (130, 143)

    def _start(self) -> None:
        super()._start()  # This forks, so the thread must start afterwards.
        threading.Thread(target=self._announce, daemon=True).start()

    def terminate(self) -> None:
        """Tell all processes to stop; the first reason counts."""
        self._stopping.set()
        super().terminate()

    def _announce(self) -> None:
        """Print the service's address once it accepts jobs and every queue has a worker."""
        with httpx.Client(base_url=self._url, trust_env=False) as client:
            while not self._stopping.wait(0.05):
                try:
                    if client.get("/readyz?workers=true").status_code == 200:
                        break
                except httpx.TransportError:
                    continue
            else:
                return
        # Another thread prints, so this one leaves its line to it.
        self.events.put(message(f"NLP2Filters is ready at {self._url} (Ctrl-C stops it)"))
