"""The fund's layer against an independent package: 70 per cent of a compound loss, up to the fund's size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import referee
from acceptance import CHECKS, assert_agrees
from laboratory import Laboratory

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def gemact() -> Any:
    """The referee, where it is installed."""
    why = 'GEMAct is not installed: pip install --constraint constraints.txt "gemact>=1.3,<2"'
    pytest.importorskip("gemact.calculators", reason=why)
    return pytest.importorskip("gemact", reason=why)


def exact(oracle: str) -> dict[str, float]:
    """Exact values by name, as the table of checks has them."""
    return {check.name: check.table["exact"] for check in CHECKS[oracle]}


def test_the_referee_agrees_with_our_own_convolution(gemact: Any) -> None:
    """Compound binomial, by Fourier transform there and by squares here; and the table of checks holds its figures."""
    ours, theirs = referee.bad_loans(), referee.bad_loans_of(gemact)
    np.testing.assert_allclose(theirs[: ours.size], ours, atol=1e-12)
    wanted = exact("R-layer")
    for fund in referee.FUNDS_YUAN:
        paid, short = referee.layer(theirs, fund)
        assert paid == pytest.approx(wanted[f"paid {fund}"], abs=0.01)
        assert short == pytest.approx(wanted[f"P(short) {fund}"], abs=1e-7)


def test_the_table_holds_the_referees_layer(gemact: Any) -> None:
    """Its own layer (share, aggregate cover) on a continuous loss."""
    paid, short = referee.layer_of(gemact)
    wanted = exact("R-claims")
    assert paid == pytest.approx(wanted["paid"], abs=0.01)
    assert short == pytest.approx(wanted["P(short)"], abs=1e-7)


def test_the_simulator_agrees_with_the_referee(laboratory: Laboratory) -> None:
    """Planted bug: the cap comes before the share. Through the public entry point, three sizes of the fund."""
    assert_agrees("R-layer", lambda n, seed: laboratory.samples("R-layer", n, seed))


def test_the_funds_arithmetic_agrees_with_the_referee() -> None:
    """Planted bug: a fund emptied by half a claim pays all of it. Share, need and shortfall of lognormal claims."""
    assert_agrees("R-claims", referee.claims_samples)
