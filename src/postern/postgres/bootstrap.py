"""Make a new cluster: initdb, two roles with random passwords, one database."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from postern.errors import DatabaseUnavailable, StorageFull
from postern.postgres.folders import private_folder
from postern.postgres.identity import Identity
from postern.postgres.isolation import RUNTIME
from postern.postgres.programs import Programs

OWNER = "postern"
"""The role that owns the database and migrates it. It is no superuser; the hub works as `RUNTIME`."""
SUPERVISOR = "supervisor"
"""The superuser: for backups, checks and repairs by the supervisor, never for the hub."""

_LAUNCH = Path(__file__).with_name("launch.py")


def launch_command(identity: Identity, command: Sequence[str]) -> list[str]:
    """How to start one of PostgreSQL's programs as `identity`, so that it dies with this process."""
    who = [str(os.getpid()), str(identity.uid), str(identity.gid)]
    return [sys.executable, "-I", "-S", "-B", str(_LAUNCH), *who, *command]


def clean_environment() -> dict[str, str]:
    """No PG… variable of ours may steer the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def server_path(folder: Path, fd: int, identity: Identity) -> str:
    """How the server names `folder`. As another system user it may be unable to walk there, since the folders
    above stay closed to it; so root hands it the open folder itself."""
    return f"/proc/self/fd/{fd}" if identity.is_other else str(folder)


def run_program(
    identity: Identity, command: Sequence[str], *, fds: Sequence[int] = (), words: str = ""
) -> str:
    """Run one of PostgreSQL's programs to its end with `words` as input; its output.

    Raises StorageFull or DatabaseUnavailable with the program's last line.
    """
    done = subprocess.run(
        launch_command(identity, command),
        input=words,
        capture_output=True,
        text=True,
        check=False,
        pass_fds=fds,
        env=clean_environment(),
        cwd="/",
    )
    said = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()
    if "No space left on device" in done.stderr:
        raise StorageFull(
            "The disk is full: PostgreSQL could not be set up. Free some space and start again."
        )
    if done.returncode != 0 or re.search(r"^(\S+ )*(ERROR|FATAL|PANIC):", done.stderr, re.MULTILINE):
        raise DatabaseUnavailable(f"PostgreSQL's {Path(command[0]).name} failed: {said[-1]}")
    return done.stdout


def password_file(path: Path) -> Path:
    """A 0600 file with a random password for each role, in libpq's format; what it has already is kept."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    known = {_of_role(line)[0] for line in lines}
    missing = [role for role in (OWNER, SUPERVISOR, RUNTIME) if role not in known]
    if missing:
        lines += [f"*:*:*:{role}:{secrets.token_urlsafe(32)}\n" for role in missing]
        partial = path.with_name(f"{path.name}.new")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    return path


def passwords_in(path: Path) -> dict[str, str]:
    """The roles' passwords."""
    return {role: password for role, password in map(_of_role, path.read_text().splitlines())}


def _of_role(line: str) -> tuple[str, str]:
    role, password = line.rstrip("\n").split(":")[3:5]
    return role, password


def create_cluster(
    folder: Path, identity: Identity, programs: Programs, passwords: Path, *, durable: bool
) -> None:
    """Make the cluster in `folder`, whole or not at all: it is built beside it and renamed."""
    partial = folder.with_name(f"{folder.name}.new")
    if partial.exists():
        shutil.rmtree(partial)  # an earlier attempt was interrupted; nothing was ever stored in it
    private_folder(partial, identity)
    known = passwords_in(passwords)
    fd = os.open(partial, os.O_RDONLY | os.O_DIRECTORY)
    try:
        data = server_path(partial, fd, identity)
        options = [
            "--username",
            SUPERVISOR,
            "--auth=reject",
            "--data-checksums",
            "--encoding=UTF8",
            "--locale=C",
        ]
        lasting = [] if durable else ["--no-sync"]
        run_program(
            identity,
            [str(programs.folder / "initdb"), "-D", data, *options, *lasting, "--no-instructions"],
            fds=[fd],
        )
        statements = (
            f"ALTER ROLE {SUPERVISOR} PASSWORD '{known[SUPERVISOR]}'\n"
            f"CREATE ROLE {OWNER} LOGIN PASSWORD '{known[OWNER]}'\n"
            f"CREATE DATABASE {OWNER} OWNER {OWNER}\n"
            f"REVOKE ALL ON DATABASE {OWNER} FROM PUBLIC\n"
        )
        single = [
            str(programs.folder / "postgres"),
            "--single",
            "-D",
            data,
            "-c",
            "log_statement=none",
            "postgres",
        ]
        run_program(identity, single, fds=[fd], words=statements)
    finally:
        os.close(fd)
    partial.rename(folder)
