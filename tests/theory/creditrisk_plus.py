"""The portfolio of 25 obligors printed with CreditRisk+, its published figures, and what a simulator of single loans
must give on it.

CreditRisk+ counts Poisson defaults, so one obligor can fail twice; a simulator of loans cannot follow it to the
dollar. It must agree with the same portfolio under Bernoulli defaults, which is computed here without simulation:
given the common factor the loss is a sum of 25 independent parts, and the sums of two halves are listed in full.

Source: Credit Suisse First Boston, "CreditRisk+: a credit risk management framework" (1997), appendix B and its
spreadsheet; the same exposures and rates are data of the R package crp.CSFP.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import portfolios
from scipy.special import ndtr, ndtri
from scipy.stats import gamma, norm

import sim

EXPOSURE = np.array([
    358_475, 1_089_819, 1_799_710, 1_933_116, 2_317_327, 2_410_929, 2_652_184, 2_957_685, 3_137_989, 3_204_044,
    4_727_724, 4_830_517, 4_912_097, 4_928_989, 5_042_312, 5_320_364, 5_435_457, 5_517_586, 5_764_596, 5_847_845,
    6_466_533, 6_480_322, 7_727_651, 15_410_906, 20_238_895,
])  # fmt: skip
RATING = "HHFGGGHGDDADDHFEDCECHHBFE"
RATE = {"A": 0.015, "B": 0.016, "C": 0.03, "D": 0.05, "E": 0.075, "F": 0.10, "G": 0.15, "H": 0.30}
P = np.array([RATE[letter] for letter in RATING])
SHAPE = 4.0  # of the gamma factor: the deviation of every rate is half of it
MILLION = 1_000_000
RHO = 0.12  # of the simulator's own factor
STRATA = 50  # slices of the gamma factor, equally likely


def published(n_obligors: int, levels: tuple[float, ...]) -> tuple[float, list[float]]:
    """Mean loss and quantiles [dollar] of CreditRisk+ itself, for the first obligors: one sector, variable rates.

    Exposures are rounded up to bands of a hundredth of the largest; the rates of a band keep its expected loss.
    The number of defaults is negative binomial. Quantiles are read from the straight line between bands.
    """
    e, p = EXPOSURE[:n_obligors], P[:n_obligors]
    unit = math.ceil(e.max() / 100)
    band = np.ceil(e / unit).astype(int)
    rate = np.zeros(4096)
    np.add.at(rate, band, e * p / (unit * band))
    pmf = np.fft.irfft((1 - (np.fft.rfft(rate) - rate.sum()) / SHAPE) ** -SHAPE)
    cdf = np.cumsum(pmf)
    at = np.searchsorted(cdf, levels)
    between = (np.array(levels) - cdf[at - 1]) / (cdf[at] - cdf[at - 1])
    return float(pmf @ np.arange(pmf.size)) * unit, list(unit * (at - 1 + between))


# --- Bernoulli defaults, exactly ---------------------------------------------------------------------


def _sums(e: Any) -> Any:
    """All sums of some losses."""
    total = np.zeros(1)
    for size in e:
        total = np.concatenate([total, total + size])
    return total


def _chances(p: Any) -> Any:
    """How likely each of these sums is, the losses being independent."""
    out = np.ones(1)
    for chance in p:
        out = np.concatenate([out * (1 - chance), out * chance])
    return out


_A, _B = _sums(EXPOSURE[0::2] / MILLION), _sums(EXPOSURE[1::2] / MILLION)  # every second obligor in either half
_ORDER = np.argsort(_B)
_B = _B[_ORDER]


@dataclass(frozen=True)
class Mixture:
    """Default probabilities of the 25 obligors (n, 25) for n values of the factor, and how likely each is."""

    p: Any
    weight: Any

    def moments_above(self, q: float, highest: int = 1) -> Any:
        """P(L > q), and the first raw moments of max(L - q, 0), loss L in millions."""
        missing = q - _A
        first = np.searchsorted(_B, missing, side="right")
        out = np.zeros(highest + 1)
        for p, weight in zip(self.p, self.weight, strict=True):
            p_a, p_b = _chances(p[0::2]), _chances(p[1::2])[_ORDER]
            tails = [np.append(np.cumsum((p_b * _B**j)[::-1])[::-1], 0.0)[first] for j in range(highest + 1)]
            for k in range(highest + 1):
                parts = sum(math.comb(k, j) * (-missing) ** (k - j) * tails[j] for j in range(k + 1))
                out[k] += weight * float(p_a @ parts)
        return out

    def acceptance(self, q: float, n: int) -> tuple[float, tuple[float, float]]:
        """Mean of max(L - q, 0) and its Cornish-Fisher interval for n histories; q below zero is the mean loss."""
        m = self.moments_above(q, 4)[1:]
        mean, shift = m[0] + (q if q < 0 else 0.0), m[0]
        variance = m[1] - shift**2
        skew = (m[2] - 3 * shift * m[1] + 2 * shift**3) / variance**1.5
        excess = (m[3] - 4 * shift * m[2] + 6 * shift**2 * m[1] - 3 * shift**4) / variance**2 - 3
        low, high = (cornish_fisher(z, skew / math.sqrt(n), excess / n) for z in (-Z, Z))
        scale = math.sqrt(variance / n)
        return mean, (mean + low * scale, mean + high * scale)


Z = float(norm.isf(5e-7))


def cornish_fisher(z: float, skew: float, excess: float) -> float:
    """Quantile of a standardised mean from the normal one, its skewness and its excess kurtosis."""
    return (
        z + (z**2 - 1) * skew / 6 + (z**3 - 3 * z) * excess / 24 - (2 * z**3 - 5 * z) * skew**2 / 36
    )  # fmt: skip


def independent() -> Mixture:
    """No factor."""
    return Mixture(P[None, :], np.ones(1))


def under_gamma() -> Mixture:
    """Rates p_i min(X, 1 / p_i) with X gamma of mean 1 and shape 4, by the trapezoid rule in log X."""
    y = np.linspace(-7, 2.3, 1201)
    weight = np.exp(SHAPE * y - SHAPE * np.exp(y))
    return Mixture(np.minimum(P * np.exp(y)[:, None], 1.0), weight / weight.sum())


def in_strata() -> Mixture:
    """The same at the means of equally likely slices, as the simulator is given them."""
    return Mixture(np.minimum(P * np.array(list(multipliers()))[:, None], 1.0), np.full(STRATA, 1 / STRATA))


def multipliers() -> Iterator[float]:
    """Mean of the gamma factor in each of its equally likely slices, so that the expected loss is kept."""
    edges = gamma.ppf(np.arange(STRATA + 1) / STRATA, SHAPE, scale=1 / SHAPE)
    for share in np.diff(gamma.cdf(edges, SHAPE + 1, scale=1 / SHAPE)):
        yield float(STRATA * share)


def under_gauss() -> Mixture:
    """The simulator's own factor: probit, variance share .12, by the trapezoid rule."""
    z = np.linspace(-8, 8, 201)
    weight = norm.pdf(z) / norm.pdf(z).sum()
    return Mixture(ndtr((ndtri(P) - math.sqrt(RHO) * z[:, None]) / math.sqrt(1 - RHO)), weight)


# --- the same, to be simulated (a dollar is a yuan) --------------------------------------------------


def obligors(name: str, **defaults: Any) -> sim.Scenario:
    """25 households with one loan each; the rule's ceiling lies above the largest."""
    groups = [portfolios.group(1, float(p), principal_yuan=int(e)) for e, p in zip(EXPOSURE, P, strict=True)]
    return portfolios.county(name, groups, covered_yuan=21 * MILLION, **defaults)


def gamma_stratum(k: int) -> sim.Scenario:
    """The portfolio in slice k of the gamma factor: a drought that is certain multiplies every rate."""
    certain = {"p_normal_to_dry": 1.0, "p_dry_to_dry": 1.0, "p_township_hit": 1.0}
    effect = {"kind": "multiplier", "value": list(multipliers())[k]}
    return obligors(f"gamma-{k:02d}", drought={**certain, "effect": effect})
