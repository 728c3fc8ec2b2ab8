"""Estimates from histories, with their errors. The conventions of the project stand here and nowhere else.

Quantile: inf{x : F(x) >= a}, the ceil(a n)-th order statistic, no interpolation. Tail mean: the quantile plus the mean
excess over it divided by 1 - a. Shortfall: need > size, strictly. Intervals: 95 per cent, distribution-free for
quantiles, exact binomial for probabilities, paired by history for differences. Histories that were drawn by strata
carry `Strata`; without them every history weighs the same. Histories that share uncertain parameters carry `Points`, and
count as the smaller number of histories that they are worth.
"""

from sim.estimate.figure import Z95, Estimate, check_assurance, half_width, histories_for, rounded_up
from sim.estimate.means import mean, mean_among, mean_share, proportion, upper_proportion, upper_share, weighted_share
from sim.estimate.order import (
    interval_ranks,
    lasting_part,
    needed_histories,
    quantile,
    quantile_or_reason,
    quantile_rank,
    quantile_value,
    upper_rank,
    worth_of,
)
from sim.estimate.paired import (
    Weighted,
    masses,
    paired_chance_difference,
    paired_mean_combination,
    paired_mean_difference,
    paired_quantile_combination,
    paired_quantile_difference,
    percentile_interval,
    resampling,
)
from sim.estimate.points import Points
from sim.estimate.strata import Strata, effective_sample_size, largest_weight_share, mass_of
from sim.estimate.tail import FEWEST_BEYOND, refuse_thin_tail, tail_mean, tail_mean_by_sections, tail_value

__all__ = [
    "FEWEST_BEYOND",
    "Z95",
    "Estimate",
    "Points",
    "Strata",
    "Weighted",
    "check_assurance",
    "effective_sample_size",
    "half_width",
    "histories_for",
    "interval_ranks",
    "largest_weight_share",
    "lasting_part",
    "mass_of",
    "masses",
    "mean",
    "mean_among",
    "mean_share",
    "needed_histories",
    "paired_chance_difference",
    "paired_mean_combination",
    "paired_mean_difference",
    "paired_quantile_combination",
    "paired_quantile_difference",
    "percentile_interval",
    "proportion",
    "quantile",
    "quantile_or_reason",
    "quantile_rank",
    "quantile_value",
    "refuse_thin_tail",
    "resampling",
    "rounded_up",
    "tail_mean",
    "tail_mean_by_sections",
    "tail_value",
    "upper_proportion",
    "upper_rank",
    "upper_share",
    "weighted_share",
    "worth_of",
]
