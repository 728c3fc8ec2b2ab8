"""Parts of the simulator against exact answers: the fund's balance and the clerks' desk; and the table of checks itself."""

from __future__ import annotations

from itertools import pairwise

import pytest
from acceptance import CHECKS, ERROR, EXACT, LARGE, SMALL, assert_agrees, binomial_interval
from component_beds import fund_samples, queue_samples, slot_samples
from scipy.stats import chi2, t


def test_d11_first_passage_of_the_balance() -> None:
    """O12. Planted bugs: a top-up after the month's claims; `<=` for `<`; the first month forgotten. Notices them for
    certain; a ruin probability that is off by .033 (12 months) to .043 (36 months) nine times in ten."""
    assert_agrees("O12", fund_samples)


@pytest.mark.slow
def test_d12_wait_at_the_desk() -> None:
    """O13: mean wait [days], share that waits (.8) and share over two days, each mean within 4.97 (t, 399 degrees,
    1e-6) standard errors between runs. Planted bugs: every file takes the mean time; the newest file first; files
    seen only on the next morning. Notices 3 per cent in the mean wait of M/D/1, 5 of M/M/1."""
    assert_agrees("O13", queue_samples)


def test_d12_slot_queue() -> None:
    """O14. Planted bug: what is left over at the month's end is lost. Notices 18 per cent in the mean backlog."""
    assert_agrees("O14", slot_samples)


# --- the table itself --------------------------------------------------------------------------------


def test_queues_are_judged_by_the_t_distribution() -> None:
    """400 runs, two-sided 1e-6."""
    assert {c.table["standard_errors"] for c in CHECKS["O13"]} == {round(float(t.isf(ERROR / 2, 399)), 2)}


@pytest.mark.parametrize(
    "check", [c for name, cs in CHECKS.items() if name not in EXACT for c in cs], ids=lambda c: f"{c.oracle} {c.name}"
)
def test_table_of_acceptance(check) -> None:  # type: ignore[no-untyped-def]
    """Intervals are what they claim: binomial at 1e-6, chi-square at 1e-6, around the exact value."""
    table = check.table
    if "edges" in table:
        assert sum(table["p"]) == pytest.approx(1, abs=1e-4)
        assert len(table["edges"]) == len(table["p"])
        assert all(a < b for a, b in pairwise(table["edges"]))
        assert table["critical"] == pytest.approx(chi2.isf(ERROR, len(table["p"]) - 1), abs=0.006)
        return
    for n in (SMALL, LARGE):
        low, high = table.get(f"accept_{n}", [table["exact"]] * 2)
        assert low <= table["exact"] <= high
        if table.get("is_probability") and f"accept_{n}" in table:
            assert (low, high) == pytest.approx(binomial_interval(table["exact"], n), abs=1.1 / n)
