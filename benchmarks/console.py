"""How long until the console's first page: from `postern up --demo`, and from a browser's first visit.

    python -m benchmarks.console [ROUNDS]

Beside it, in the same run: an empty FastAPI page under the same server, the least that any page can take.
Chromium is measured where it is installed.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.measure import say, timed

SIGN_IN = "/sign-in"
EMPTY = """
import sys, uvicorn
from fastapi import FastAPI
app = FastAPI()
app.get("/sign-in")(lambda: {})
uvicorn.run(app, port=int(sys.argv[1]), log_level="critical", access_log=False)
"""
LONGEST_START = 120.0
CHROMIUM_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")


def main(rounds: int) -> None:
    """Print medians: starts in seconds, pages in milliseconds."""
    with tempfile.TemporaryDirectory(prefix="postern-bench-") as folder:
        port = free_port()
        environment = os.environ | {"POSTERN_DATA": folder, "POSTERN_PORT": str(port)}
        up = [str(Path(sys.executable).with_name("postern")), "up", "--demo"]
        say("console: from the command to the first page, seconds")
        with running(up, port, environment) as seconds:
            say(f"  first start, makes both databases and the demo   {seconds:9.1f}")
        with running(up, port, environment) as seconds:
            say(f"  second start, keeps the data (limit 10)          {seconds:9.1f}")
            say(f"console: the sign-in page, median of {rounds}, milliseconds")
            say(f"  from the hub, HTTP                               {page(port, rounds):9.1f}")
            in_browser(port, rounds)
    with running([sys.executable, "-c", EMPTY, str(port)], port, dict(os.environ)):
        say(f"  an empty FastAPI page, HTTP                      {page(port, rounds):9.1f}")


@contextmanager
def running(command: list[str], port: int, environment: dict[str, str]) -> Iterator[float]:
    """The command in a process of its own until the block ends; yields seconds to its first page."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield first_answer(process, port, started)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def first_answer(process: subprocess.Popen[bytes], port: int, started: float) -> float:
    """Seconds since `started` when the sign-in page first answers."""
    while time.perf_counter() - started < LONGEST_START:
        if process.poll() is not None:
            raise SystemExit(f"it ended by itself with {process.returncode}; run it by hand to see why")
        try:
            if httpx.get(f"http://127.0.0.1:{port}{SIGN_IN}").is_success:
                return time.perf_counter() - started
        except httpx.TransportError:
            time.sleep(0.02)
    raise SystemExit(f"no page within {LONGEST_START:.0f} s")


def page(port: int, rounds: int) -> float:
    """Median milliseconds of the page over one kept connection."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        return timed(lambda: client.get(SIGN_IN), rounds)


def in_browser(port: int, rounds: int) -> None:
    """Until Chromium has loaded the page with its assets, each time as on a first visit."""
    chromium = shutil.which("chromium")
    if chromium is None:
        say("  in Chromium: not installed here")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))

        def visit() -> None:
            context = browser.new_context()
            context.new_page().goto(f"http://127.0.0.1:{port}{SIGN_IN}", wait_until="load")
            context.close()

        say(f"  in Chromium, nothing cached, with its assets     {timed(visit, rounds):9.1f}")
        browser.close()


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
