"""Strata of common luck on a county whose loss distribution is known exactly: three drivers, four cells of flags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import portfolios as p
import pytest
from laboratory import NEED_UNIT_FEN

import sim
from sim import estimate
from sim.estimate.strata import stratified_mean
from sim.sampling import Sampling
from sim.store import RunFolder

pytestmark = pytest.mark.slow

N = 4_000
BEYOND, EXACT = 1232, 0.00981  # units of need, and the chance of more


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Need in units, and the strata, of histories chosen by dry year and late year in equal numbers."""
    county = next(s for s in p.factorial(True) if s.name.endswith("D1S1"))
    out = tmp_path_factory.mktemp("strata") / "run"
    results = sim.run([county], N, seed=20270101, out=out, workers=2, sampling=Sampling("flags"))
    h = results.histories()
    return h["need_fen"].to_numpy() / NEED_UNIT_FEN, RunFolder(Path(out)).strata(h["replication"].to_numpy())


def test_four_cells_have_their_known_shares(chosen: Any) -> None:
    """Drought with .15, late with .25, independently: known, not counted."""
    assert chosen[1].share == pytest.approx([0.85 * 0.75, 0.85 * 0.25, 0.15 * 0.75, 0.15 * 0.25])
    assert chosen[1].pool is None


def test_equal_allocation_needs_an_eighth_of_the_histories(chosen: Any) -> None:
    """Gain at the 99 per cent tail over as many plain histories; 8.9 with exact shares.

    Planted bug: weights forgotten (test below)."""
    need, strata = chosen
    chance, error = stratified_mean((need > BEYOND).astype(float), strata)
    gain = EXACT * (1 - EXACT) / N / error**2
    print(f"gain {gain:.1f}, P(need > {BEYOND}) {chance:.5f}, exact {EXACT:.5f}")
    assert gain >= 8
    assert abs(chance - EXACT) < 4.9 * error


def test_chosen_histories_agree_with_the_exact_answer(chosen: Any) -> None:
    """Mean and two quantiles of the known distribution. Notices 3 per cent in the mean."""
    need, strata = chosen
    mean, error = stratified_mean(need, strata)
    assert abs(mean - 297.8505) < 4.9 * error
    for a, exact in ((0.95, 707), (0.99, 1232)):
        low, high = estimate.quantile(need, a, strata).ci95  # type: ignore[misc]
        assert low - 0.1 * exact <= exact <= high + 0.1 * exact
    assert estimate.weighted_share(need > 300, strata).value == pytest.approx(0.3534, abs=0.03)


def test_forgotten_weights_are_noticed(chosen: Any) -> None:
    need, strata = chosen
    _, error = stratified_mean(need, strata)
    assert abs(need.mean() - 297.8505) > 20 * error
