"""An independent referee for the fund's layer: the actuarial package GEMAct on the same compound distribution.

The county: 600 households with one to three loans (independent numbers), each household fails with 5 per cent and
all its loans with it. The loss is then a compound binomial; the fund bears 70 per cent up to its size.

Source: Pittarello, Luini, Marchione, "GEMAct: a Python package for non-life (re)insurance", Annals of Actuarial
Science (2024); it comes with the extra ``test``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import portfolios as p

import sim
from sim.fund import need
from sim.units import PPM, share_of

HOUSEHOLDS, P_FAILS = 600, 0.05
LOANS = np.array([0.0, 0.6, 0.3, 0.1])  # chance of so many loans in a household
SHARE = 0.7
UNIT_YUAN = 35_000  # the fund's part of a loan of 50,000
FUNDS_YUAN = (1_400_000, 1_750_000, 2_100_000)


def county(fund_yuan: int) -> sim.Scenario:
    """Households with one to three loans that fail together; further loans do not change the chance."""
    shares = {k: float(share) for k, share in enumerate(LOANS) if share}
    return p.county(f"layer-{fund_yuan}", [p.group(HOUSEHOLDS, P_FAILS, loans=shares)], fund_yuan=fund_yuan)


def layer(pmf: Any, fund_yuan: int) -> tuple[float, float]:
    """Mean payment [yuan] and chance of a shortfall from the distribution of bad loans."""
    due = UNIT_YUAN * np.arange(pmf.size)
    return float(np.minimum(due, fund_yuan) @ pmf), float(pmf[due > fund_yuan].sum())


def bad_loans() -> Any:
    """Distribution of bad loans: binomial in households, convolved loan number by loan number."""
    size = 3 * HOUSEHOLDS + 1
    one = np.zeros(size)
    one[: LOANS.size] = LOANS * P_FAILS
    one[0] = 1 - P_FAILS
    out, power, n = np.eye(1, size)[0], one, HOUSEHOLDS
    while n:  # by squares
        out, n = (np.convolve(out, power)[:size], n - 1) if n % 2 else (out, n)
        power, n = np.convolve(power, power)[:size], n // 2
    return out


def bad_loans_of(gemact: Any) -> Any:
    """The same by GEMAct: its discrete Fourier transform, its binomial."""
    cdf = gemact.calculators.LossModelCalculator.fast_fourier_transform(
        severity={"fj": LOANS}, frequency=gemact.lossmodel.Frequency("binom", {"n": HOUSEHOLDS, "p": P_FAILS}),
        n_aggr_dist_nodes=4096, discr_step=1, tilt=False, tilt_value=0,
    )["cdf"]  # fmt: skip
    return np.diff(cdf, prepend=0.0)


# --- a continuous loss -------------------------------------------------------------------------------

MEAN_CLAIMS, LOG_YUAN = 20.0, 11.0  # Poisson number, lognormal amounts exp(N(11, 1)) [yuan]
FUND_YUAN = 2_000_000


def layer_of(gemact: Any) -> tuple[float, float]:
    """GEMAct's mean payment [yuan] and chance of a shortfall for a fund of 2 million on Poisson lognormal claims."""
    lossmodel = gemact.lossmodel
    parts = {
        "frequency": lossmodel.Frequency("poisson", {"mu": MEAN_CLAIMS}),
        "severity": lossmodel.Severity("lognormal", {"shape": 1.0, "scale": math.exp(LOG_YUAN)}),
        "aggr_loss_dist_method": "fft", "n_aggr_dist_nodes": 2**17, "n_sev_discr_nodes": 2**16, "sev_discr_step": 250.0,
    }  # fmt: skip
    cover = lossmodel.Layer(aggr_cover=FUND_YUAN / SHARE, share=SHARE)
    with_layer = lossmodel.LossModel(policystructure=lossmodel.PolicyStructure(cover), **parts)
    return float(with_layer.pure_premium_dist[0]), float(lossmodel.LossModel(**parts).sf(FUND_YUAN / SHARE))


def claims_samples(n: int, seed: int) -> dict[str, Any]:
    """What the fund's own arithmetic pays on such claims: share by claim in fen, need, size."""
    rng = np.random.default_rng(seed)
    paid, short = np.empty(n), np.empty(n, dtype=np.bool_)
    for k, number in enumerate(rng.poisson(MEAN_CLAIMS, n)):
        amounts = np.round(100 * rng.lognormal(LOG_YUAN, 1.0, number)).astype(np.int64)
        due = np.append(share_of(amounts, round(SHARE * PPM)), 0)
        needed = int(need.need(due, np.zeros_like(due)))
        short[k] = need.first_short_day(100 * FUND_YUAN, np.zeros_like(due), due) >= 0
        paid[k] = min(needed, 100 * FUND_YUAN) / 100
    return {"paid": paid, "P(short)": short}
