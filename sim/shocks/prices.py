"""Prices of what households' projects sell, month by month: a part common to the county, a part to the township."""

from __future__ import annotations

import math

import numpy as np

from sim.livelihoods import Behaviour
from sim.shocks.paths import common_and_own
from sim.streams import stream_key
from sim.units import F64, I64


def draw_prices(b: Behaviour, township_ids: I64, first_month: int, n_months: int, replication: int, seed: int) -> F64:
    """Price over its usual level, mean one: lognormal, AR(1) by month.

    Parameters
    ----------
    b : Behaviour
    township_ids : (n_townships,) int64
        Stable ids, so that adding a township changes no other township's prices.
    first_month, n_months, replication, seed : int

    Returns
    -------
    (n_months, n_townships) float64 [1]
    """
    months = first_month + np.arange(n_months)
    county, own = common_and_own(
        stream_key(seed, "price.county"), stream_key(seed, "price.township"), township_ids, months, replication,
        b.price_persistence_per_month,
    )  # fmt: skip
    log = math.sqrt(b.county_price_share) * county + math.sqrt(1 - b.county_price_share) * own
    return np.exp(b.price_sd * log - b.price_sd**2 / 2)
