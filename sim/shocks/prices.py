"""Prices of what households' projects sell, month by month: a part common to the county, a part to the township."""

from __future__ import annotations

import math

import numpy as np

from sim.livelihoods import Behaviour
from sim.streams import ar1, normal_inverse_reference, stream_key, uniforms
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
    grid = np.repeat(months, township_ids.size), np.tile(township_ids, n_months)
    u = np.column_stack([
        uniforms(stream_key(seed, "price.county"), replication, months, np.zeros(n_months, np.int64))[0],
        uniforms(stream_key(seed, "price.township"), replication, *grid)[0].reshape(n_months, -1),
    ])  # fmt: skip
    noise = normal_inverse_reference(u)
    ar1(noise, b.price_persistence_per_month)
    log = math.sqrt(b.county_price_share) * noise[:, :1] + math.sqrt(1 - b.county_price_share) * noise[:, 1:]
    return np.exp(b.price_sd * log - b.price_sd**2 / 2)
