"""Parts of the simulator against exact answers: the fund's balance, the clerks, the chain, the estimates."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from acceptance import CHECKS, ERROR, N, assert_agrees, binomial_interval
from component_beds import backlog, desk, fund_samples, payment_month, queue_statistics, slot_samples
from scipy.stats import chi2, t

from sim import estimate
from sim.errors import TooFewHistories
from sim.fiscal.office import CLAIM
from sim.fund import need


def test_o12_first_passage_of_the_balance() -> None:
    """Planted bugs: a top-up after the month's claims; `<=` for `<`. Notices both for certain; a ruin
    probability that is off by .033 (12 months) to .043 (36 months) nine times in ten."""
    assert_agrees("O12", fund_samples)


def test_o12_a_fund_emptied_to_the_fen_is_not_short() -> None:
    """Planted bug: `<=` for `<`. Exact."""
    nothing, paid = np.zeros(3, np.int64), np.array([70, 0, 30])
    assert need.first_short_day(100, nothing, paid) == -1
    assert need.first_short_day(99, nothing, paid) == 2
    assert need.need(paid, nothing) == 100


def test_o12_need_is_the_opening_balance_that_is_just_enough() -> None:
    """Planted bug: the need as the sum of payments, or as the balance at the end. Exact."""
    rng = np.random.default_rng(12)
    for _ in range(200):
        paid, received = rng.integers(0, 50, 24), rng.integers(0, 40, 24)
        enough = int(need.need(paid, received))
        assert need.first_short_day(enough, received, paid) == -1
        assert enough == 0 or need.first_short_day(enough - 1, received, paid) >= 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "mean_wait", "over_two_days", "half_width"),
    [("M/D/1", 1.0, 1 - 0.8453751, 0.03), ("M/M/1", 2.0, 0.3594632, 0.05)],
)
def test_o13_wait_at_the_desk(name: str, mean_wait: float, over_two_days: float, half_width: float) -> None:
    """Mean wait [days], share that waits (.8) and share over two days; 400 runs of 5,000 files after 3,000,
    each mean within 4.97 (t, 399 degrees, 1e-6) standard errors between runs.

    Planted bug: every file takes the mean time. Notices 3 per cent in the mean wait of M/D/1, 5 of M/M/1.
    """
    runs = 400

    def draw(rng: np.random.Generator, n: int) -> np.ndarray:
        return np.full(n, 0.5) if name == "M/D/1" else rng.exponential(0.5, n)

    found = queue_statistics(draw, runs, seed=13)
    exact = np.array([mean_wait, 0.8, over_two_days])
    half = t.isf(ERROR / 2, runs - 1) * found.std(axis=0, ddof=1) / math.sqrt(runs)
    print(f"O13 {name}: {found.mean(axis=0)} +- {half}, exact {exact}")
    assert half[0] < half_width * mean_wait  # the check has teeth
    assert (np.abs(found.mean(axis=0) - exact) <= half).all()


def test_o14_slot_queue() -> None:
    """Planted bug: what is left over at the month's end is lost. Notices 18 per cent in the mean backlog."""
    assert_agrees("O14", slot_samples)


def test_o15_batch_of_fifty_at_six_a_day() -> None:
    """Planted bug: a day's room that does not carry whole files. Exact: last day 9, mean day 4.68."""
    clerks = desk(6.0)
    for k in range(50):
        clerks.submit(0, CLAIM, 1.0, k)
    days = [math.ceil(minute / 6 - 1e-9) for minute, _ in clerks.advance(20)]
    assert (max(days), sum(days) / 50) == (9, 4.68)
    assert days == [math.ceil(k / 6) for k in range(1, 51)]


def test_o15_backlog_runs_off_by_two_a_month() -> None:
    """Planted bug: room that is saved up over idle months. Exact: 30, +8, -10: 28, 26, ... 0 in month 15."""
    assert backlog([8] * 18, at_start=30) == [*range(28, -1, -2), 0, 0, 0]


def test_o15_chain_from_missed_to_paid() -> None:
    """Planted bug: a file that is ready on the day of the meeting waits for the next. Exact."""
    paid = [payment_month(m) for m in range(1, 13)]
    assert paid == [9, 9, 9, 12, 12, 12, 15, 15, 15, 18, 18, 18]


# --- O18: definitions --------------------------------------------------------------------------------


def test_o18_ranks_of_order_statistics() -> None:
    """Planted bug: rank s for s + 1. Exact."""
    assert estimate.interval_ranks(10_000, 0.99) == (9880, 9920)
    assert estimate.interval_ranks(100_000, 0.999) == (99_880, 99_920)
    assert estimate.upper_rank(10_000, 0.99) == 9917
    assert estimate.upper_rank(10_000, 0.99, 0.99) == 9923


@pytest.mark.parametrize(
    ("a", "confidence", "n"), [(0.95, 0.95, 59), (0.99, 0.95, 299), (0.99, 0.99, 459), (0.999, 0.95, 2995)]
)
def test_o18_fewest_histories(a: float, confidence: float, n: int) -> None:
    """Planted bug: one history too few. Exact (Wilks), and the largest of n is then the upper figure."""
    assert estimate.needed_histories(a, confidence) == n
    assert estimate.upper_rank(n, a, confidence) == n
    assert estimate.upper_rank(n - 1, a, confidence) is None


def test_o18_too_few_histories_are_refused() -> None:
    """Planted bug: the maximum of too few histories sold as an upper bound. Exact."""
    with pytest.raises(TooFewHistories, match="59 or more"):
        estimate.quantile(np.arange(58.0), 0.95)


@pytest.mark.parametrize(
    ("x", "a", "quantile", "tail_mean"),
    [
        (np.arange(1, 11), 0.9, 9.0, 10.0),
        (np.arange(1, 11), 0.91, 10.0, 10.0),
        (np.arange(1, 11), 0.85, 9.0, 9 + 0.1 / 0.15),  # not E[L | L > VaR] = 10
        (np.array([0] * 90 + [5] * 9 + [50]), 0.9, 0.0, 9.5),  # ties below
        (np.array([0] * 90 + [5] * 9 + [50]), 0.95, 5.0, 14.0),  # ties at the quantile
        (np.array([7] * 10), 0.5, 7.0, 7.0),
        (np.array([3, 1, 2]), 1 / 3, 1.0, 2.5),  # a n whole up to rounding
    ],
)
def test_o18_quantile_and_tail_mean(x: np.ndarray, a: float, quantile: float, tail_mean: float) -> None:
    """Planted bugs: interpolation; E[L | L > VaR] for the tail mean. Exact, with ties."""
    assert np.sort(x)[estimate.quantile_rank(x.size, a) - 1] == quantile
    assert estimate.tail_mean(x, a) == pytest.approx(tail_mean, abs=1e-12)
    if estimate.upper_rank(x.size, a) is not None:
        assert estimate.quantile(x, a).value == quantile


def test_o18_quantile_is_short_in_no_more_than_its_share() -> None:
    """Planted bug: >= for >. The a-quantile of need is exceeded, strictly, with at most 1 - a. Exact."""
    x = np.array([0] * 90 + [5] * 9 + [50])
    q = estimate.quantile(x, 0.95).value
    assert q == 5.0
    assert (x > q).mean() <= 0.05 < (x >= q).mean()


# --- the table itself --------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [c for cs in CHECKS.values() for c in cs], ids=lambda c: f"{c.oracle} {c.name}")
def test_table_of_acceptance(check) -> None:  # type: ignore[no-untyped-def]
    """Intervals are what they claim: binomial at 1e-6, chi-square at 1e-6, around the exact value."""
    table = check.table
    if "edges" in table:
        assert sum(table["p"]) == pytest.approx(1, abs=1e-4)
        assert len(table["edges"]) == len(table["p"])
        assert all(a < b for a, b in pairwise(table["edges"]))
        assert table["critical"] == pytest.approx(chi2.isf(ERROR, len(table["p"]) - 1), abs=0.006)
        return
    for n in (N, 4 * N):
        low, high = table.get(f"accept_{n}", [table["exact"]] * 2)
        assert low <= table["exact"] <= high
        if table.get("is_probability"):
            assert (low, high) == pytest.approx(binomial_interval(table["exact"], n), abs=1.1 / n)
