"""Install Postern into a virtual environment from hashed locks, showing progress. Run by `make`.

Only the standard library of the system's Python is used here, and syntax that old ones still parse, so that
a machine with too old a Python is told so instead of being shown a syntax error.
"""

import argparse
import hashlib
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
OLDEST = (3, 11)
ASSETS = ROOT / "src" / "postern" / "web" / "assets" / "vendor"


class SetupError(Exception):
    """Something the person at the terminal has to mend; the message says what."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=Path(".venv"))
    parser.add_argument("--dev", action="store_true", help="also install what tests and checks need")
    wanted = parser.parse_args()
    try:
        set_up(wanted.venv.absolute(), wanted.dev)
    except SetupError as fault:
        print("setup: {}".format(fault), file=sys.stderr)
        return 1
    return 0


def set_up(venv, dev):
    """Bring `venv` to the state that the locks describe; do nothing when it already is."""
    stamp = venv / ("postern-dev.stamp" if dev else "postern.stamp")
    wanted = fingerprint(dev)
    if stamp.is_file() and stamp.read_text() == wanted and assets_built():
        return
    check_python()
    started = time.monotonic()
    if not (venv / "bin" / "python").exists():
        say("making a virtual environment in {}".format(venv))
        make_venv(venv)
    for name in ["build", "runtime"] + (["dev"] if dev else []):
        install(venv, REQUIREMENTS / (name + ".txt"))
    say("installing postern itself")
    pip(venv, ["--no-deps", "--no-build-isolation", "--no-index", "--editable", str(ROOT)])
    say("building the console's assets")
    run([str(venv / "bin" / "python"), str(ROOT / "scripts" / "build_assets.py")], "building the assets")
    stamp.write_text(wanted)
    if dev:
        (venv / "postern.stamp").write_text(fingerprint(False))
    say("done in {:.0f} s".format(time.monotonic() - started))


def fingerprint(dev):
    """What this installation depends on, as one digest: a change of it installs anew."""
    names = ["requirements/build.txt", "requirements/runtime.txt"] + (["requirements/dev.txt"] if dev else [])
    names += ["pyproject.toml", "package-lock.json", "scripts/setup.py", "scripts/build_assets.py"]
    digest = hashlib.sha256(str(ROOT).encode())
    for name in names:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def assets_built():
    return ASSETS.is_dir() and any(ASSETS.iterdir())


def check_python():
    if sys.version_info < OLDEST:
        found = "{}.{}".format(*sys.version_info[:2])
        raise SetupError(
            "Python 3.11 or newer is needed and {} is {}. Install a newer one and name it: "
            "make PYTHON=python3.12 run".format(sys.executable, found)
        )


def make_venv(venv):
    try:
        import ensurepip  # noqa: F401
        import venv as venv_module
    except ImportError:
        raise SetupError("Python's venv is missing. On Debian: apt-get install python3-venv") from None
    venv_module.create(str(venv), with_pip=True, symlinks=True)


def install(venv, lock):
    """Install what `lock` names, each file checked against its hash, saying which one is being fetched."""
    total = sum(1 for line in lock.read_text().splitlines() if re.match(r"[A-Za-z0-9]", line))
    say("installing {} packages ({})".format(total, lock.name))
    pip(venv, ["--require-hashes", "--no-deps", "--no-build-isolation", "--requirement", str(lock)], total)


def pip(venv, arguments, total=0):
    command = [str(venv / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--no-input", "--progress-bar", "off"]
    run(command + arguments, "installing", total)


def run(command, what, total=0):
    """Run `command`, showing one line of progress; on failure show all that it said."""
    said, done = [], 0
    process = subprocess.Popen(
        command, cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True
    )
    for line in process.stdout:
        said.append(line)
        found = re.match(r"Collecting ([^\s=;]+)", line)
        if found and total:
            done += 1
            show("  {:3d} of {}  {}".format(done, total, found.group(1)))
        elif line.startswith("Installing collected packages"):
            show("  unpacking")
    show("")
    if process.wait() != 0:
        sys.stderr.write("".join(said[-40:]))
        raise SetupError("{} failed; what was said is above".format(what))


def show(text):
    """On a terminal overwrite the line; elsewhere print every tenth step, so that logs stay short."""
    if sys.stdout.isatty():
        sys.stdout.write("\r\033[K" + text)
        sys.stdout.flush()
    elif text and (text == "  unpacking" or re.match(r"  +\d*0 of", text)):
        print(text, flush=True)


def say(text):
    print("setup: " + text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
