"""Starts the pages on this machine: a server for its own user, on a free port, that asks nothing of any other machine."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path

APP = Path(__file__).with_name("app.py")
HOST = "127.0.0.1"
RUNS = "RISKFUND_RUNS"  # the environment says where runs are kept: pages have no arguments
_PATIENCE = 60.0  # seconds until the server must have answered
_PARTING = 5.0  # seconds that it has to close


def serve(
    runs: Path, *, port: int | None = None, open_browser: bool = True, told: Callable[[str], None] = print
) -> int:
    """Serve the pages until interrupted.

    Parameters
    ----------
    runs : Path
        Folder of runs; it is made when the first run begins.
    port : int, optional
        By default a free one.
    told : callable
        Is told the address once the server answers.

    Returns
    -------
    int
        Exit code of the server; 0 when the user stopped it.
    """
    port = port or free_port()
    with _asked_to_stop():
        process = subprocess.Popen(command(port), env=environment(runs))
        url = f"http://{HOST}:{port}/"
        try:
            if _answers(process, url):
                told(url)
                if open_browser:
                    webbrowser.open(url)
            return process.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            _ended(process)


@contextlib.contextmanager
def _asked_to_stop() -> Iterator[None]:
    """Ctrl-C, and whatever else ends a program politely, stops the server too, even where a shell has switched that off."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    before = {getattr(signal, name): signal.signal(getattr(signal, name), stop) for name in names}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ended(process: subprocess.Popen[bytes]) -> None:
    """End the server: it has a moment to close, then it is gone."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout=_PARTING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def command(port: int) -> list[str]:
    """The server's command line; the rest of its settings stand in ``.streamlit/config.toml``."""
    return [
        sys.executable, "-m", "streamlit", "run", str(APP), "--server.address", HOST, "--server.port", str(port),
        "--server.headless", "true", "--browser.gatherUsageStats", "false",
    ]  # fmt: skip


def environment(runs: Path) -> dict[str, str]:
    """Environment of the server."""
    return {**os.environ, RUNS: str(runs.resolve()), "PYTHONUTF8": "1"}


def runs_folder() -> Path:
    """The folder of runs that the server was started with."""
    return Path(os.environ.get(RUNS) or "runs").resolve()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as s:
        s.bind((HOST, 0))
        return int(s.getsockname()[1])


def _answers(process: subprocess.Popen[bytes], url: str) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url + "_stcore/health", timeout=2):
            return True
        time.sleep(0.2)
    return False
