"""What the embedded server's two configuration files say. Both are ours and rewritten at each start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

from postern.postgres.identity import Identity

# Only through the socket in a 0700 folder, only with a password; never `trust`.
ACCESS = """\
local all         all scram-sha-256
local replication all scram-sha-256
"""

_COMMON: dict[str, str] = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0600",
    "password_encryption": "scram-sha-256",
    "max_connections": "50",
    "shared_buffers": "128MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "idle_in_transaction_session_timeout": "5min",
    "wal_level": "replica",
    "max_wal_size": "1GB",
    # A backup that cannot be written must not fill the disk: its slot is let go, and a new base is made.
    "max_slot_wal_keep_size": "4GB",
    # No value may reach a log. An ERROR's words can quote one ("invalid input syntax …"), its DETAIL quotes
    # keys, its STATEMENT quotes literals: so errors go to the client alone, and what is logged is terse.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_lock_waits": "off",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "logging_collector": "off",
    "lc_messages": "C",
}

# The keystore stays small, and what it destroys must leave its write-ahead log soon: little log is kept, and
# old segments are deleted instead of being renamed and reused with their old content.
_KEYSTORE: dict[str, str] = {
    "shared_buffers": "32MB",
    "max_connections": "30",
    "min_wal_size": "32MB",
    "max_wal_size": "64MB",
    "max_slot_wal_keep_size": "256MB",
    "wal_recycle": "off",
}

# For scratch clusters of tests only: a power cut may leave nothing usable.
_PERISHABLE: dict[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def server_settings(name: str, *, sockets: str, durable: bool) -> dict[str, str]:
    """The settings of the cluster `name` ("keystore" gets its own), listening in the folder `sockets`."""
    own: Mapping[str, str] = _KEYSTORE if name == "keystore" else {}
    lasting: Mapping[str, str] = {} if durable else _PERISHABLE
    placed = {"cluster_name": f"postern-{name}", "unix_socket_directories": sockets}
    return {**_COMMON, **own, **lasting, **placed}


def as_text(settings: Mapping[str, str]) -> str:
    """The settings as a postgresql.conf."""
    head = "# Written by Postern at each start. Your own settings: ALTER SYSTEM SET …\n"
    return head + "".join(
        f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in settings.items()
    )


def write_into(folder_fd: int, name: str, text: str, identity: Identity) -> None:
    """Put a 0600 file of `identity` into a folder that may be its own, following no link planted there."""
    partial = f"{name}.new"
    with suppress(FileNotFoundError):
        os.unlink(partial, dir_fd=folder_fd)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(partial, flags, 0o600, dir_fd=folder_fd), "w", encoding="utf-8") as file:
        if identity.is_other:
            os.fchown(file.fileno(), identity.uid, identity.gid)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(partial, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
