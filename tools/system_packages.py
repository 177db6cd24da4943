"""Programs of other projects that tests need: install Debian's when root, or say which tests will be skipped.

Packages that also start a service, or bring hundreds of others, are installed by CI only.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    """A program under any of these names, its Debian package, and the tests that are skipped without it."""

    names: tuple[str, ...]
    package: str
    tests: str
    only_in_ci: bool = False


PROGRAMS = (
    Program(("chromium", "chromium-browser", "google-chrome"), "chromium", "of the pages"),
    Program(("npm",), "npm", "of types for TypeScript, and of React", only_in_ci=True),
    Program(("nginx",), "nginx-light", "behind a proxy", only_in_ci=True),
    Program(("promtool",), "prometheus", "of the alert rules", only_in_ci=True),
    Program(("systemd-analyze",), "systemd", "of the units for systemd", only_in_ci=True),
)


def missing() -> list[Program]:
    """Return the programs that this machine lacks."""
    return [program for program in PROGRAMS if not any(shutil.which(name) for name in program.names)]


def main() -> None:
    """Never fails: without a program its tests are skipped, and this has said why."""
    packages = [program.package for program in missing() if not program.only_in_ci or "CI" in os.environ]
    if packages and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Installing Debian's {', '.join(packages)} for the tests.")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", *packages]):
            subprocess.run(["apt-get", "-qq", *command], env=environment, stdout=subprocess.DEVNULL, check=False)
    for program in missing():
        print(f"The tests {program.tests} will be skipped: install {program.package}.", file=sys.stderr)


if __name__ == "__main__":
    main()
