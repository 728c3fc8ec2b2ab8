"""Livestock disease: in which months it breaks out in which township, what is left of the herds, what it does to the price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.livelihoods import Disease
from sim.streams import stream_key, uniforms
from sim.units import F64, I64, Array, Bool

LEAD = 24  # months drawn before the first one: herds may still be growing again


@dataclass(frozen=True)
class Outbreaks:
    """Diseases of one history, from `LEAD` months before its first.

    Attributes
    ----------
    begins : (n_diseases, LEAD + n_months, n_townships) bool
        The disease comes to the township.
    around : (n_diseases, LEAD + n_months) float64 [1]
        Share of the townships that have it.
    """

    begins: Bool
    around: F64


def draw_outbreaks(
    diseases: list[Disease], township_ids: I64, first_month: int, n_months: int, replication: int, seed: int
) -> Outbreaks:
    """Brought in from outside, or from the townships of the county that had it a month before.

    Parameters
    ----------
    township_ids : (n_townships,) int64
    first_month, n_months : int
        Months since January 1970.
    """
    months = np.arange(first_month - LEAD, first_month + n_months)
    n = township_ids.size
    begins = np.zeros((len(diseases), months.size, n), dtype=np.bool_)
    around = np.zeros((len(diseases), months.size))
    for d, disease in enumerate(diseases):
        key = stream_key(seed, f"disease.outbreak.{disease.key}")
        grid = np.repeat(months, n), np.tile(township_ids, months.size)
        u = uniforms(key, replication, *grid)[0].reshape(months.size, n)
        brought = 1 - (1 - disease.outbreaks_per_year) ** (1 / 12)
        left = np.zeros(n, dtype=np.int64)  # months for which the township still has it
        for k in range(months.size):
            others = ((left > 0).sum() - (left > 0)) / max(n - 1, 1)
            p = 1 - (1 - brought) * (1 - disease.spreads_per_month * others)
            begins[d, k] = (left == 0) & (u[k] < p)
            left = np.where(begins[d, k], disease.lasts_months, np.maximum(left - 1, 0))
            around[d, k] = (left > 0).mean()
    return Outbreaks(begins, around)


def price_of_animals(diseases: list[Disease], outbreaks: Outbreaks) -> F64:
    """Factor on the county's price, (n_months,), from the first month of the history on."""
    out = np.ones(outbreaks.around.shape[1] - LEAD)
    for disease, around in zip(diseases, outbreaks.around, strict=True):
        out *= 1 + disease.price_change * around[LEAD:]
    return out


class Herds:
    """What the households of one history have left of their herds, month by month.

    Parameters
    ----------
    household, township : (n,) int64
        Ids; townships in the order of the outbreaks.
    """

    def __init__(
        self, diseases: list[Disease], outbreaks: Outbreaks, household: I64, township: I64, first_month: int,
        replication: int, seed: int,
    ) -> None:  # fmt: skip
        self._diseases, self._outbreaks = diseases, outbreaks
        self._household, self._township = household, township
        self._first, self._replication = first_month, replication
        self._keys = [stream_key(seed, f"disease.herd.{disease.key}") for disease in diseases]
        self._left = np.ones((len(diseases), household.size))
        for k in range(-LEAD, 0):
            self.month(k)

    def month(self, k: int) -> tuple[F64, list[tuple[Array, float]]]:
        """Let herds grow again, then strike those of townships where a disease breaks out. Months come in order.

        Returns
        -------
        left : (n,) float64 [1]
            Part of its usual herd that each household has.
        projects : list of (rows, mortality)
            Households whose project is animals and was struck, by disease.
        """
        projects = []
        for d, disease in enumerate(self._diseases):
            left = self._left[d]
            np.minimum(left + 1 / disease.restock_months, 1.0, out=left)
            begins = self._outbreaks.begins[d, k + LEAD]
            rows = np.flatnonzero(begins[self._township]) if begins.any() else np.zeros(0, np.int64)
            if rows.size:
                u, v = uniforms(self._keys[d], self._replication, self._first + k, self._household[rows])
                struck = u < disease.herds_struck
                left[rows[struck]] *= 1 - disease.mortality
                projects.append((rows[struck & (v < disease.in_projects)], disease.mortality))
        return self._left.prod(axis=0), projects
