"""The simulator through its public entry point against exact loss distributions (D3 to D10, D13).

A check takes 5,000 histories, in `make theory-full` 20,000.

A statistic that fails gets a second run, four times as large and with another seed, before the test does.
"Notices" means: rejects nine times in ten with 5,000 histories.
"""

from __future__ import annotations

import pytest
from acceptance import assert_agrees
from laboratory import Laboratory

pytestmark = pytest.mark.slow


def holds(laboratory: Laboratory, oracle: str) -> None:
    """Every check of the oracle agrees."""
    assert_agrees(oracle, lambda n, seed: laboratory.samples(oracle, n, seed))


def test_d3_o1_independent_loans_are_binomial(laboratory: Laboratory) -> None:
    """Planted bug: a common factor where there is none. Notices a variance share of .0015, or 2 per cent in the
    default probability."""
    holds(laboratory, "O1")


def test_d4_o2_one_county_factor(laboratory: Laboratory) -> None:
    """Planted bug: loans independent, their probability unchanged. Notices rho .102 or .139 for .12, and 9 per
    cent in the default probability."""
    holds(laboratory, "O2")


def test_d4_o2_small_county(laboratory: Laboratory) -> None:
    """Planted bug: the factor's weight is its variance, not the root of it. Notices rho .096 or .146 for .12."""
    holds(laboratory, "O2-200")


def test_d5_o5_county_and_township_factors(laboratory: Laboratory) -> None:
    """Planted bug: one township factor for both townships. Notices a county variance of .023 or .137
    for .08."""
    holds(laboratory, "O5")


def test_d6_o6_drought_hits_townships_of_a_dry_county(laboratory: Laboratory) -> None:
    """Planted bugs: all townships share one draw of the hit; townships are hit without a county drought.
    Notices a hit probability of .52 or .68 for .6, and .112 or .190 for .15 dry years."""
    holds(laboratory, "O6")


def test_d7_o7_fund_pays_its_share_up_to_its_size(laboratory: Laboratory) -> None:
    """Planted bug: the cap comes before the share. Notices 5 per cent in the money paid by a fund of 1 million
    (7 and 8 per cent at 2 and 3 million), and a fund emptied to the fen that is called short."""
    holds(laboratory, "O7")


def test_d7_o8_unequal_loans_under_a_factor(laboratory: Laboratory) -> None:
    """Planted bug: loans independent, their probability unchanged. Notices rho .077 or .174 for .12, and 8 per
    cent in the mean."""
    holds(laboratory, "O8")


def test_d3_o8_unequal_independent_loans(laboratory: Laboratory) -> None:
    """Planted bug: loans cut to the usual ceiling of 50,000 yuan. Notices 2.6 per cent in the mean."""
    holds(laboratory, "O8-independent")


def test_d8_o9_stacked_loans_fail_together(laboratory: Laboratory) -> None:
    """Planted bug: the loans of a household fail one by one. Notices .445 or .555 for .5 in what a further loan
    adds."""
    holds(laboratory, "O9")


def test_d9_o10_late_subsidy_and_the_households_buffer(laboratory: Laboratory) -> None:
    """Planted bug: a lag as long as the buffer already ruins. Notices .283 or .424 for .35 in the lag's
    distribution, and .212 or .289 for .25 in late years."""
    holds(laboratory, "O10")


def test_d10_o11_monthly_hazard_with_a_persistent_factor(laboratory: Laboratory) -> None:
    """Planted bug: a factor that never moves. Notices a persistence of .80 or .965 for .9."""
    holds(laboratory, "O11-1000")


def test_d10_o11_small_county(laboratory: Laboratory) -> None:
    """Planted bug: a new factor every month. Notices a persistence of .805 or .97 for .9."""
    holds(laboratory, "O11-100")


def test_d13_o16_two_probabilities_on_one_luck(laboratory: Laboratory) -> None:
    """Planted bug: random numbers whose address holds the policy. Notices one history that improves when the
    probability rises, and a difference of .00185 or .00215 for .002."""
    holds(laboratory, "O16")


def test_d13_o17_three_drivers_and_their_shares(laboratory: Laboratory) -> None:
    """Planted bug: drought and late subsidy share one uniform. Notices probit shifts of .67 or
    .895 for .8 (drought), .405 or .49 for .45 (late), .23 or .27 for .25 (a further loan)."""
    holds(laboratory, "O17")
