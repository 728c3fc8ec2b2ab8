"""Every check has teeth: a fault put in on purpose makes it fail, and the same histories without it do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from acceptance import CHECKS, RECORD, SEED, failing
from component_beds import BEDS
from exact_checks import EXACT, notices
from laboratory import Laboratory
from planted_bugs import IN_COMPONENTS, IN_EXACT, IN_STUDIES
from planting import Bug, planted

slow = pytest.mark.slow


def names(bugs: list[Bug]) -> list[str]:
    """Ids of the test's cases."""
    return [f"{bug.oracle} {bug.name}" for bug in bugs]


@slow
@pytest.mark.parametrize("bug", IN_STUDIES, ids=names(IN_STUDIES))
def test_a_study_notices(bug: Bug, laboratory: Laboratory, tmp_path: Path) -> None:
    """The oracle's checks hold without the fault and fail with it, on the same seed and number of histories."""
    assert failing(bug.oracle, laboratory.samples(bug.oracle, bug.n, SEED)) == set()
    with planted(bug):
        where = laboratory if bug.in_reading else Laboratory(tmp_path)
        found = failing(bug.oracle, where.samples(bug.oracle, bug.n, SEED))
    RECORD.notice(bug, found)
    assert set(bug.caught_by) <= found


@slow
@pytest.mark.parametrize("bug", IN_COMPONENTS, ids=names(IN_COMPONENTS))
def test_a_component_notices(bug: Bug) -> None:
    """The same for the fund's balance, the clerks' desk and the fund's arithmetic."""
    samples = BEDS[bug.oracle]
    assert failing(bug.oracle, samples(bug.n, SEED)) == set()
    with planted(bug):
        found = failing(bug.oracle, samples(bug.n, SEED))
    RECORD.notice(bug, found)
    assert set(bug.caught_by) <= found


@slow
@pytest.mark.parametrize("bug", IN_EXACT, ids=names(IN_EXACT))
def test_an_exact_check_notices(bug: Bug) -> None:
    """The same for what no random number decides."""
    with planted(bug):
        found = {name for name in bug.caught_by if notices(bug.oracle, name)}
    RECORD.notice(bug, found)
    assert found == set(bug.caught_by)
    assert not any(notices(bug.oracle, name) for name in bug.caught_by)


def test_every_statistic_has_a_planted_bug() -> None:
    """No statistic is left without proof that its check can fail."""
    met = {(bug.oracle, name) for bug in [*IN_STUDIES, *IN_COMPONENTS, *IN_EXACT] for name in bug.caught_by}
    assert {(oracle, check.name) for oracle, group in CHECKS.items() for check in group} == met
    assert set(EXACT) <= set(CHECKS)


def test_bins_notice_a_wrong_number_of_them() -> None:
    """A sample outside every bin is an error of the table, not a silent zero."""
    for checks in CHECKS.values():
        for check in checks:
            if "edges" in check.table:
                assert check.table["edges"][0] == 0
                assert not check.verdict(np.zeros(1000)).agrees
