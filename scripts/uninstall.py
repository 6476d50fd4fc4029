"""Remove the installation; with --data also the data folder, after asking. Run by `make uninstall`."""

import argparse
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path("/var/cache/postern")
"""PostgreSQL's programs, copied by root to where the databases' system users reach them."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=Path(".venv"))
    parser.add_argument("--data", action="store_true", help="remove the data folder as well")
    wanted = parser.parse_args()
    data = data_folder()
    if wanted.data and data.exists() and not removed(data):
        return 1
    made = [wanted.venv, ROOT / ".make", ROOT / "node_modules"]
    made += [ROOT / "src" / "postern" / "web" / "assets" / "vendor", PROGRAMS]
    for path in made:
        shutil.rmtree(str(path), ignore_errors=True)
    print("uninstall: the installation is removed")
    if data.exists():
        print("uninstall: the data is still in {}; 'make uninstall DATA=yes' removes it too".format(data))
    elif os.geteuid() == 0:
        print("uninstall: 'userdel postern-data; userdel postern-keystore' removes their system users")
    return 0


def removed(data):
    """Remove `data` once the person at the terminal has typed its name; nothing brings it back."""
    if (data / "run" / "up.lock").exists() and in_use(data / "run" / "up.lock"):
        print("uninstall: Postern is running on {}; stop it first".format(data), file=sys.stderr)
        return False
    print("uninstall: this destroys every record, picture and key in {}".format(data))
    if input("uninstall: type the folder's path to go on: ").strip() != str(data):
        print("uninstall: not the same path; nothing was removed", file=sys.stderr)
        return False
    shutil.rmtree(str(data))
    return True


def in_use(lock):
    import fcntl

    with lock.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def data_folder():
    """The same rule as `postern.settings.default_data_folder`, for when Postern itself is gone already."""
    named = os.environ.get("POSTERN_DATA")
    if named:
        return Path(named).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/postern")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "postern"


if __name__ == "__main__":
    sys.exit(main())
