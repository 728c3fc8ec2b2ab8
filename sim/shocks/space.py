"""Noise that neighbours share: white noise on a fixed grid of squares, averaged around each township.

A township's noise is made of the squares around it and of nothing else, so one township more, or another order,
changes no other township's weather.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from sim.streams import entity_id
from sim.units import F64, I64

_SQUARES = 4  # to a reach
_FAR = 1.75  # reaches: squares farther away weigh less than a five-hundredth


class Places(NamedTuple):
    """Squares of the grid around the townships.

    Attributes
    ----------
    squares : (n_squares,) int64
        Ids.
    of : (n_townships, k) int64
        Rows of ``squares`` around each township.
    weight : (n_townships, k) float64
        Their squares add up to one, so that the noise keeps its variance.
    """

    squares: I64
    of: I64
    weight: F64


def places_of(at_km: F64, reach_km: float) -> Places:
    """Squares and weights such that two townships d apart are correlated by exp(-(d / reach)^2).

    Parameters
    ----------
    at_km : (n_townships, 2) float64
    reach_km : float

    A bell of half the variance around each township: the overlap of two of them falls off by the formula.
    """
    side = reach_km / _SQUARES
    n = int(np.ceil(_FAR * _SQUARES)) + 1
    known: dict[tuple[int, int], int] = {}
    of, weights = [], []
    for x, y in at_km:
        i0, j0 = int(np.floor(x / side)), int(np.floor(y / side))
        around = [(i, j) for i in range(i0 - n, i0 + n + 1) for j in range(j0 - n, j0 + n + 1)]
        away = np.array([((i + 0.5) * side - x, (j + 0.5) * side - y) for i, j in around]) / reach_km
        squared = (away**2).sum(axis=1)
        weight = np.where(squared < _FAR**2, np.exp(-2 * squared), 0.0)
        of.append([known.setdefault(square, len(known)) for square in around])
        weights.append(weight / np.sqrt((weight**2).sum()))
    ids = np.array([entity_id("square", reach_km, i, j) for i, j in known], dtype=np.int64)
    return Places(ids, np.array(of, dtype=np.int64), np.array(weights))


@njit(cache=True, error_model="numpy")
def averaged(noise: Any, of: Any, weight: Any) -> Any:
    """Noise of the squares to noise of the townships, added up in the order of each township's squares."""
    out = np.zeros((noise.shape[0], of.shape[0]))
    for month in range(noise.shape[0]):
        for k in range(of.shape[0]):
            for j in range(of.shape[1]):
                if weight[k, j] > 0.0:
                    out[month, k] += weight[k, j] * noise[month, of[k, j]]
    return out
