"""Renew `static/swagger-ui/`, the files of Swagger UI that the page `/docs` shows: `python -m tools.swagger_ui`.

To take another version: `npm pack swagger-ui-dist@VERSION`, `sha256sum` of the archive, and both below.
"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "5.35.0"
SHA256 = "1b8e891893404ea4c3558b6a87e2a3e494e7eedba41168c2ece5800a391a6ea6"
FILES = ("LICENSE", "NOTICE", "swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "swagger-ui.css")
FOLDER = Path(__file__).parent.parent / "static" / "swagger-ui"


def main() -> None:
    """Take the archive from the npm registry, by npm, and unpack the few files that are served."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", "--pack-destination", folder, f"swagger-ui-dist@{VERSION}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (archive,) = Path(folder).glob("*.tgz")
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        if digest != SHA256:
            sys.exit(f"The archive of {VERSION} has the SHA-256 {digest}, not {SHA256}: compare it before you take it.")
        FOLDER.mkdir(exist_ok=True)
        with tarfile.open(archive) as files:
            for name in FILES:
                content = files.extractfile(f"package/{name}")
                assert content
                (FOLDER / name).write_bytes(content.read())
    print(f"Swagger UI {VERSION} is in {FOLDER}.")


if __name__ == "__main__":
    main()
