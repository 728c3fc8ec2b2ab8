"""Processes that outlive the page that started them: are they still there, ask them to stop, end them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

_IS_WINDOWS = sys.platform == "win32"
_NO_WINDOW = 0x08000000 | 0x00000200  # CREATE_NO_WINDOW, CREATE_NEW_PROCESS_GROUP


def start(command: Sequence[str], folder: Path, out: Path, err: Path) -> subprocess.Popen[bytes]:
    """Start a command on its own, so that closing the server or the terminal does not end it."""
    with out.open("wb") as stdout, err.open("wb") as stderr:
        how: dict[str, Any] = {"creationflags": _NO_WINDOW} if _IS_WINDOWS else {"start_new_session": True}
        return subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
            env={**os.environ, "PYTHONUTF8": "1"}, **how,
        )  # fmt: skip


def born(pid: int) -> float:
    """When a process began: a number that is used again is then told apart. 0 where there is none."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


def is_alive(pid: int, since: float) -> bool:
    """Is this very process still at work?"""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - since) < 2.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def ask_to_stop(pid: int) -> None:
    """As Ctrl-C does: the command keeps what is finished. Windows has no such signal for it; it is ended."""
    with contextlib.suppress(OSError):
        if _IS_WINDOWS:
            end(pid)
        else:
            os.kill(pid, signal.SIGINT)


def end(pid: int) -> None:
    """End a process and what it started. Batches are written in one step, so none is left in halves."""
    with contextlib.suppress(OSError, psutil.Error):
        if _IS_WINDOWS:
            process = psutil.Process(pid)
            for child in [*process.children(recursive=True), process]:
                child.kill()
        else:
            os.killpg(pid, signal.SIGKILL)  # its group is there even when it itself has gone
