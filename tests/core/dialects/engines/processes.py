"""Servers of databases on loopback, each with a folder of its own, stopped at the end."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.ports import free_port

START_S = 60


@contextmanager
def server(command: Sequence[str | Path], ready: Callable[[], object], user: str | None = None) -> Iterator[None]:
    """Run a server until the end of the block. `ready` raises as long as the server does not answer."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, user=user)
    try:
        _await(process, ready)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=START_S)


def _await(process: subprocess.Popen[bytes], ready: Callable[[], object]) -> None:
    until = time.monotonic() + START_S
    while True:
        try:
            ready()
        except Exception:
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                output, _ = process.communicate()
                raise RuntimeError(output.decode(errors="replace")) from None
            time.sleep(0.1)
        else:
            return


@contextmanager
def postgresql(ready: Callable[[int], object]) -> Iterator[int]:
    """A PostgreSQL that anybody on this machine may use as `postgres`. Yield its port."""
    initdb = shutil.which("initdb") or str(max(Path("/usr/lib/postgresql").glob("*/bin/initdb")))
    # It refuses to run as root.
    user = "postgres" if os.getuid() == 0 else None
    with TemporaryDirectory() as folder:
        data, port = Path(folder) / "data", free_port()
        if user:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run([initdb, "-D", data, *options], check=True, capture_output=True, user=user, cwd="/")
        command: list[str | Path] = [
            Path(initdb).with_name("postgres"),
            "-D",
            data,
            "-p",
            str(port),
            "-k",
            folder,
            "-c",
            "fsync=off",
        ]
        with server(command, lambda: ready(port), user):
            yield port


@contextmanager
def mariadb(ready: Callable[[str], object]) -> Iterator[str]:
    """A MariaDB that root may use without a password. Yield the path of its socket."""
    with TemporaryDirectory() as folder:
        data, socket = Path(folder) / "data", f"{folder}/socket"
        user = f"--user={pwd.getpwuid(os.getuid()).pw_name}"
        install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", user, "--skip-test-db"]
        subprocess.run([*install, "--auth-root-authentication-method=normal"], check=True, capture_output=True)
        command = ["mariadbd", "--no-defaults", f"--datadir={data}", user, f"--socket={socket}", "--skip-networking"]
        with server(command, lambda: ready(socket)):
            yield socket
