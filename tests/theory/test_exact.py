"""What no random number decides: addresses of random numbers (D1), definitions on fixed vectors and dates (D2)."""

from __future__ import annotations

import pytest
from acceptance import CHECKS, RECORD, Verdict
from exact_checks import EXACT, notices


@pytest.mark.parametrize(("suite", "name"), [(suite, name) for suite, group in EXACT.items() for name in group])
def test_exactly(suite: str, name: str) -> None:
    """The check's own words stand in `exact_checks`, the fault that it notices in `planted_bugs`."""
    failure = notices(suite, name)
    RECORD.verdicts.append(Verdict(suite, name, failure is None))
    if failure is not None:
        EXACT[suite][name]()  # once more, for its own traceback


def test_every_exact_check_is_listed() -> None:
    """The table of checks and the functions hold the same names."""
    assert {suite: {check.name for check in CHECKS[suite]} for suite in EXACT} == {s: set(g) for s, g in EXACT.items()}
