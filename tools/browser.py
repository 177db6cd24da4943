"""See to it that the browser tests have a Chromium: find one, install Debian's when root, or say what is missing."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Never fails: without a browser its tests are skipped, and this has said why."""
    if any(shutil.which(name) for name in NAMES):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("No Chromium: installing Debian's for the browser tests.")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]):
            if subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False).returncode:
                break
        else:
            return
    print("No Chromium: the browser tests will be skipped. Install it (Debian: apt install chromium).", file=sys.stderr)


if __name__ == "__main__":
    main()
