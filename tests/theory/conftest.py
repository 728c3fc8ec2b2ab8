"""One laboratory for all theory tests, so that a study that two of them need is run once; and what they found, in a file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from acceptance import RECORD, N, in_columns
from laboratory import Laboratory

import sim

WORKERS = 2
FILE = os.environ.get("THEORY_VERDICTS")  # where the verdicts go; nowhere unless asked


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """Runs studies on two worker processes, in folders that are thrown away."""
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        yield Laboratory(tmp_path_factory.mktemp("theory"), pool)


def pytest_sessionfinish() -> None:
    """Keep the verdicts for the page."""
    if FILE and (RECORD.verdicts or RECORD.noticed):
        path = Path(FILE)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(RECORD.as_dict(sim.__version__), indent=1) + "\n", encoding="utf-8")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of checks: exact value, estimate, interval, verdict."""
    if RECORD.verdicts:
        terminalreporter.section(f"exact values, {N} histories")
        for line in in_columns(RECORD.verdicts):
            terminalreporter.write_line(line)
