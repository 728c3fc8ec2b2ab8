"""The 25 obligors of CreditRisk+: the portfolio is typed right, and the simulator gives what single loans must give.

What is weaker than the other checks: CreditRisk+ itself (Poisson defaults) is reproduced by the test, not by the
simulator. The simulator has no gamma factor, so the factor is not drawn by it but given, in 50 equally likely slices
of their own histories; defaults, unequal loans, claims and losses are its own.
"""

from __future__ import annotations

import creditrisk_plus as published
import pytest
from acceptance import CHECKS, LARGE, SMALL, assert_agrees
from laboratory import Laboratory

pytestmark = pytest.mark.slow


def test_published_figures_follow_from_the_portfolio() -> None:
    """Examples 1A and 1B to the dollar: exposure, mean, 99 and 99.5 per cent. A digit typed wrong fails."""
    assert published.EXPOSURE.sum() == 130_513_072
    mean, (q99, q995) = published.published(25, (0.99, 0.995))
    assert (round(mean), round(q99), round(q995)) == (14_221_863, 55_311_503, 62_033_181)
    mean, (q99,) = published.published(23, (0.99,))
    assert (round(mean), round(q99)) == (11_162_856, 39_946_857)


@pytest.mark.parametrize(
    ("mixture", "levels", "var", "tvar", "within"),
    [
        (published.independent, (0.95, 0.99, 0.995), (32.955, 42.800, 46.780), (38.994, 48.038, 51.535), 0.01),
        (published.under_gamma, (0.95, 0.99, 0.995), (37.310, 50.560, 55.675), (45.446, 57.469, 62.062), 0.06),
        (published.under_gauss, (0.95, 0.99, 0.995), (38.360, 53.049, 58.731), (47.338, 60.708, 65.812), 0.01),
    ],
    ids=["independent", "gamma", "gauss"],
)
def test_bernoulli_defaults(mixture, levels, var, tvar, within) -> None:  # type: ignore[no-untyped-def]
    """Quantiles and tail means [million] that two ways of computing agree on: halves listed in full here, and a
    lattice of 5,000 dollars with 1,500 slices of the factor, whose far tail is cut a little short."""
    exact = mixture()
    for a, q, tail in zip(levels, var, tvar, strict=True):
        assert exact.moments_above(q - within)[0] > 1 - a > exact.moments_above(q + within)[0]
        assert q + exact.moments_above(q)[1] / (1 - a) == pytest.approx(tail, abs=within)


@pytest.mark.parametrize(
    ("oracle", "mixture"),
    [("P-independent", published.independent), ("P-gamma", published.under_gamma), ("P-gauss", published.under_gauss)],
)
def test_table_of_the_obligors(oracle, mixture) -> None:  # type: ignore[no-untyped-def]
    """The table of checks holds the exact values and their Cornish-Fisher intervals."""
    exact = mixture()
    for check in CHECKS[oracle]:
        if check.name.startswith("P(L>"):
            q = float(check.name[4:-1])
            assert check.table["exact"] == pytest.approx(exact.moments_above(q)[0], abs=1e-7)
            continue
        q = -1.0 if check.name == "mean" else float(check.name.split()[-1])
        for n in (SMALL, LARGE):
            mean, interval = exact.acceptance(q, n)
            assert check.table["exact"] == pytest.approx(mean, abs=1e-6)
            assert check.table[f"accept_{n}"] == pytest.approx(interval, abs=1e-6)


def test_slices_stand_for_the_gamma_factor() -> None:
    """50 slices keep the mean, and the tail within a fiftieth."""
    given, exact = published.in_strata(), published.under_gamma()
    assert given.acceptance(-1.0, SMALL)[0] == pytest.approx(14.221863, abs=1e-5)
    for q in (37.31, 50.56):
        assert given.moments_above(q)[0] == pytest.approx(exact.moments_above(q)[0], rel=0.02)


@pytest.mark.parametrize("oracle", ["P-independent", "P-gamma", "P-gauss"])
def test_the_simulator_on_the_obligors(oracle: str, laboratory: Laboratory) -> None:
    """Planted bugs: loans cut to the usual ceiling; a factor that the rates do not feel. Through the public entry
    point; P(L > VaR) and the excess over it stand for VaR and tail mean."""
    assert_agrees(oracle, lambda n, seed: laboratory.samples(oracle, n, seed))
