"""Environments of the peers below .venv-peers/, each installed from its lock file when it is first needed."""

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENTS = ROOT / ".venv-peers"
# What runs in the environment of the service itself.
OWN = "own"


def python_of(peer: str) -> Path:
    """Return the Python of a peer's environment, which is made if its lock file has changed."""
    if peer == OWN:
        return Path(sys.executable)
    lock, folder = ROOT / f"requirements-peers-{peer}.txt", ENVIRONMENTS / peer
    python, stamp, digest = folder / "bin" / "python", folder / "lock", hashlib.sha256(lock.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        print(f"(installing {peer} into {folder.relative_to(ROOT)})", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
        ]
        subprocess.run([*pip, "-r", str(lock)], check=True)
        stamp.write_text(digest)
    return python
