"""Every check has teeth: a fault put in on purpose makes it fail, and the same histories without it do not."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from acceptance import CHECKS, ERROR, SEED, N, failing
from component_beds import fund_samples, queue_statistics, slot_samples
from laboratory import Laboratory
from planted_bugs import IN_COMPONENTS, IN_STUDIES, MEAN_TIME_FOR_ALL, Bug
from scipy.stats import t

pytestmark = pytest.mark.slow


def names(bugs: list[Bug]) -> list[str]:
    """Ids of the test's cases."""
    return [f"{bug.oracle} {bug.name}" for bug in bugs]


@pytest.mark.parametrize("bug", IN_STUDIES, ids=names(IN_STUDIES))
def test_a_study_notices(bug: Bug, laboratory: Laboratory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle's checks hold without the fault and fail with it, on the same seed and number of histories."""
    assert failing(bug.oracle, laboratory.samples(bug.oracle, bug.n, SEED)) == []
    bug.plant(monkeypatch)
    found = {check.name for check in failing(bug.oracle, Laboratory(tmp_path).samples(bug.oracle, bug.n, SEED))}
    assert set(bug.caught_by) <= found


@pytest.mark.parametrize("bug", IN_COMPONENTS, ids=names(IN_COMPONENTS))
def test_a_component_notices(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for the fund's balance and the clerks' desk."""
    samples = {"O12": fund_samples, "O14": slot_samples}[bug.oracle]
    bug.plant(monkeypatch)
    assert set(bug.caught_by) <= {check.name for check in failing(bug.oracle, samples(N, SEED))}


def test_the_desk_notices_a_mean_time_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """M/M/1 with every file taking half a day is M/D/1: mean wait 1 day, not 2 (40 runs are enough)."""
    MEAN_TIME_FOR_ALL(monkeypatch)
    found = queue_statistics(lambda rng, n: rng.exponential(0.5, n), runs=40, seed=13)[:, 0]
    assert abs(found.mean() - 2.0) > t.isf(ERROR / 2, 39) * found.std(ddof=1) / math.sqrt(40)


def test_every_oracle_has_a_planted_bug() -> None:
    """No oracle is left without proof that its checks can fail."""
    met = {bug.oracle for bug in [*IN_STUDIES, *IN_COMPONENTS]}
    assert set(CHECKS) == met


def test_bins_notice_a_wrong_number_of_them() -> None:
    """A sample outside every bin is an error of the table, not a silent zero."""
    for checks in CHECKS.values():
        for check in checks:
            if "edges" in check.table:
                assert check.table["edges"][0] == 0
                assert not check.verdict(np.zeros(1000))[0]
