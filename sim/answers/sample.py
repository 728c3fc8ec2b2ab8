"""The histories of one arm, with the weights that estimates of them need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sim import estimate
from sim.estimate import Estimate, Points, Strata
from sim.store import RunFolder
from sim.units import FEN_PER_YUAN, Array, Bool

_YUAN = 1 / FEN_PER_YUAN


@dataclass(frozen=True)
class Sample:
    """Histories in one order, and their strata where they were chosen by strata.

    Money columns are fen; estimates of them here are yuan.
    """

    frame: pd.DataFrame
    strata: Strata | None

    @staticmethod
    def of(folder: RunFolder, arm: str, n: int) -> Sample:
        """The first n histories of an arm, without those that failed."""
        frame = folder.read("histories", arm, n)
        return Sample(frame, folder.strata(frame["replication"].to_numpy()) if len(frame) else None)

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def is_plain(self) -> bool:
        """Do all histories weigh the same?"""
        return self.strata is None or not self.strata.are_chosen

    def __getitem__(self, column: str) -> Array:
        return self.frame[column].to_numpy()

    def quantile_yuan(self, column: str, a: float) -> Estimate:
        """a-quantile of a column of fen [yuan]; without a value where it has no upper order statistic."""
        return estimate.quantile_or_reason(self[column], a, self.strata).scaled(_YUAN, 2)

    def tail_mean_yuan(self, column: str, a: float) -> Estimate:
        """Tail mean of a column of fen [yuan]."""
        return estimate.tail_mean(self[column], a, self.strata).scaled(_YUAN, 2)

    def mean_yuan(self, column: str) -> Estimate:
        """Mean of a column of fen [yuan]."""
        return self.mean(self[column]).scaled(_YUAN, 2)

    def mean(self, x: Array) -> Estimate:
        """Mean of one value a history."""
        return estimate.mean(x, self.strata)

    def mean_among(self, x: Array, hit: Bool) -> Estimate:
        """Mean over the histories that ``hit`` marks."""
        return estimate.mean_among(x, hit, self.strata)

    def chance(self, hit: Bool) -> Estimate:
        """Probability of what ``hit`` marks."""
        return estimate.weighted_share(hit, self.strata)

    def chance_among(self, hit: Bool, among: Bool) -> Estimate:
        """Probability of what ``hit`` marks, over the histories that ``among`` marks; exact where all weigh the same."""
        if self.is_plain:
            return estimate.weighted_share(hit[among], Strata.alike(self._points(among)))
        found = estimate.mean_among(hit, among, self.strata)
        low, high = found.ci95 or (0.0, 1.0)
        return Estimate(found.value, (max(low, 0.0), min(high, 1.0)), reason=found.reason)

    def _points(self, among: Bool) -> Points | None:
        return None if self.strata is None or self.strata.points is None else self.strata.points.only(among)

    def upper_chance(self, hit: Bool) -> float:
        """One-sided upper bound of a probability."""
        return estimate.upper_share(hit, self.strata)

    def ratio(self, top: str, bottom: str) -> Estimate:
        """Mean of the ratio of two columns, over histories in which there is something to divide by."""
        return self.mean_ratio(self[top], self[bottom])

    def mean_ratio(self, top: Array, bottom: Array) -> Estimate:
        """Mean of a ratio, over histories in which there is something to divide by."""
        known = bottom > 0
        if not known.any():
            return Estimate(None, reason="nothing to divide by in the sized year")
        return estimate.mean_share(top / np.maximum(bottom, 1), known, self.strata)

    def describe(self) -> dict[str, Any]:
        """How histories were chosen and what they are worth."""
        n = len(self)
        if self.strata is None or self.is_plain:
            return {"kind": "plain", "effective_sample_size": n, "largest_weight_share": 1 / n}
        return {
            "strata": int(self.strata.share.size),
            "effective_sample_size": round(estimate.effective_sample_size(self.strata), 1),
            "largest_weight_share": estimate.largest_weight_share(self.strata),
        }
