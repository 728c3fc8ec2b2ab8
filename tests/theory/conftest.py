"""One laboratory for all theory tests: a study that two of them need is run once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from laboratory import Laboratory

WORKERS = 2


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """Runs studies on two worker processes, in folders that are thrown away."""
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        yield Laboratory(tmp_path_factory.mktemp("theory"), pool)
