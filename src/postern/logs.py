"""What the programs write about themselves: JSON lines in the data folder, plain words at a terminal.

A log names components, counts, durations and random ids. It never carries what was sealed: no name, number,
plate or picture of a person, no password and no camera's login.
"""

from __future__ import annotations

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog

_LARGEST = 10 * 1024 * 1024
_KEPT = 5
_NOISY = ("httpx", "httpcore", "aiomqtt", "rapidocr", "RapidOCR", "asyncio", "stripe")


def log_to_file(path: Path, level: str) -> None:
    """Send this process's log, libraries included, to `path` as JSON lines; five files of 10 MiB are kept."""
    handler = RotatingFileHandler(path, maxBytes=_LARGEST, backupCount=_KEPT, encoding="utf-8")
    path.chmod(0o600)
    _configure(handler, structlog.processors.JSONRenderer(ensure_ascii=False), level)


def log_to_screen(level: str) -> None:
    """Send this process's log to standard error, for people."""
    handler = logging.StreamHandler(sys.stderr)
    _configure(handler, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()), level)


def _configure(handler: logging.Handler, renderer: structlog.typing.Processor, level: str) -> None:
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
