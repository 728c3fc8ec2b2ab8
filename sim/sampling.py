"""Which histories are run: all in order, or more of those whose common luck makes bad years.

A pool of histories is looked at by its common luck alone (`sim.systemic`), cut into strata, and histories are taken
from the strata in turn; those that have fitted a score, which decides how the pool is cut, are not among them. What is taken is an index of a history, nothing else: every draw keeps its address, all
arms run the same histories with the same weights, and pairs stay pairs.

Source: Cochran, Sampling Techniques (3rd ed., 1977), 5.5 (Neyman allocation) and 12.2 (double sampling); Glasserman,
Monte Carlo Methods in Financial Engineering (2004), 4.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from sim.errors import InputError
from sim.estimate import Points, Strata
from sim.units import F64, I64, Array

POOL = 40_000  # histories that are looked at
PILOT = 20  # histories of each cell that decide how many more it gets
SCORED = 400  # histories, in order, that teach how common luck makes need
# Strata by score: the upper ends of all but the last, as shares of the pool. Half of it is run like a hundredth.
SCORE_ENDS = (0.50, 0.69, 0.80, 0.87, 0.92, 0.95, 0.97, 0.985, 0.995)
CELL_ENDS = (0.50, 0.69, 0.82, 0.90, 0.95, 0.98, 0.995)  # of severity, where there is any
LATE = 0.80  # and the later fifth of histories
FEWEST = 4  # histories of a stratum of the pool: fewer would leave a run without two of them

Kind = Literal["plain", "flags", "cells", "score"]
Allocation = Literal["equal", "neyman"]
SAMPLINGS: tuple[str, ...] = get_args(Kind)
ALLOCATIONS: tuple[str, ...] = get_args(Allocation)


@dataclass(frozen=True)
class Sampling:
    """How histories are chosen.

    Attributes
    ----------
    kind : {"plain", "flags", "cells", "score"}
        All in order; by dry year and late year; by severity of the drought in the window of the year's claims and
        lateness; by the default that is expected given all that is common.
    allocation : {"equal", "neyman"}
        As many from each stratum, or as many as its size and spread ask for.
    pool : int
        Histories that are looked at.
    """

    kind: Kind = "plain"
    allocation: Allocation = "equal"
    pool: int = POOL

    @property
    def most(self) -> int | None:
        """Histories that can be run at most; None where there is no end."""
        return {"plain": None, "score": self.pool - SCORED}.get(self.kind, self.pool)

    def check(self, n: int) -> None:
        """Are there n histories, before any is run?

        Raises
        ------
        InputError
        """
        if self.most is not None and n > self.most:
            allowed = f"at most {self.most:,} with sampling {self.kind}: {self.pool:,} are looked at"
            raise InputError("command", "replications", n, allowed)

    def among(self, n: int) -> int:
        """Histories of which n are run: the first n of all, or any of the pool."""
        return n if self.kind == "plain" else self.pool

    def as_dict(self, assurance: float) -> dict[str, Any]:
        """For the identity of a run; plain runs say nothing."""
        if self.kind == "plain":
            return {}
        aim = [assurance] if self.allocation == "neyman" else []
        return {"sampling": [self.kind, self.allocation, self.pool, *aim]}


@dataclass(frozen=True)
class Plan:
    """Histories in the order in which they are run: any first part of them is a sample.

    Attributes
    ----------
    replication, stratum : (n,) int64
    share : (n_strata,) float64 [1]
        Probability of each stratum.
    pool : int, optional
        Histories in which the shares were counted; None if they are exact.
    """

    replication: I64
    stratum: I64
    share: F64
    pool: int | None

    def check(self, n: int) -> None:
        """Can n histories be taken, two or more from each stratum?

        Raises
        ------
        InputError
        """
        fewest = 2 * self.share.size
        if n < fewest:
            allowed = f"{fewest} or more: two for each of the {self.share.size} strata"
            raise InputError("command", "replications", n, allowed)
        if n > self.replication.size:
            raise InputError("command", "replications", n, f"at most {self.replication.size}, all that was looked at")
        if np.bincount(self.stratum[:n], minlength=self.share.size).min() < 2:
            raise InputError(
                "command", "pool", self.pool, "a larger one: some stratum has fewer than two histories left"
            )

    def strata(self, replications: Array, points: Points | None = None) -> Strata:
        """Strata of some of the histories, in their order.

        Parameters
        ----------
        replications : (m,) int64
        points : Points, optional
            Where all of the plan's histories stand, in its order, if they share uncertain parameters.
        """
        order = np.argsort(self.replication)
        at = order[np.searchsorted(self.replication[order], replications)]
        if points is not None:
            pool = np.zeros((len(points.at), self.share.size), dtype=np.int64)
            np.add.at(pool, (points.of, self.stratum), 1)
            points = Points(points.of[at], points.at, pool)
            points = points if points.matter else None
        return Strata(self.stratum[at], self.share, self.pool, points)

    def frame(self) -> pd.DataFrame:
        """As a table to store."""
        frame = pd.DataFrame({"replication": self.replication, "stratum": self.stratum})
        frame.attrs["plan"] = {"share": self.share.tolist(), "pool": self.pool}
        return frame

    @staticmethod
    def from_frame(frame: pd.DataFrame) -> Plan:
        """What `frame` made."""
        meta = frame.attrs["plan"]
        return Plan(frame["replication"].to_numpy(), frame["stratum"].to_numpy(), np.array(meta["share"]), meta["pool"])


def by_score(score: F64) -> I64:
    """Stratum of each history of the pool: ever rarer slices of a score."""
    ends = np.quantile(score, SCORE_ENDS, method="inverted_cdf")
    return numbered(np.searchsorted(ends, score, side="left"))


def flags(pool: pd.DataFrame) -> I64:
    """Which of the four cells each history of the pool is in: 2 if dry, and 1 if late."""
    return 2 * pool["is_dry"].to_numpy().astype(np.int64) + pool["is_late"].to_numpy().astype(np.int64)


def by_cells(pool: pd.DataFrame) -> I64:
    """Stratum of each history of the pool by severity and lateness, columns of `systemic.Systemic`.

    A class of severity with too few histories in time or late is not cut by lateness, and joins the next milder one if it
    has too few in all.
    """
    lateness = pool["lateness"].to_numpy()
    is_late = lateness > np.quantile(lateness, LATE, method="inverted_cdf")
    severity = _severities(pool["severity"].to_numpy())
    for k in range(int(severity.max()), 0, -1):
        mine = severity == k
        if 0 < mine.sum() < FEWEST:
            severity[mine] = k - 1
    for k in range(int(severity.max()) + 1):
        mine = severity == k
        if min(is_late[mine].sum(), (~is_late[mine]).sum()) < FEWEST:
            is_late = is_late & ~mine
    return numbered(2 * severity + is_late)


def numbered(where: Array) -> I64:
    """Numbers without gaps."""
    numbers: I64 = np.unique(where, return_inverse=True)[1]
    return numbers


def _severities(x: F64) -> I64:
    """Classes of severity, which is nil in many histories: nil by itself, the rest by ever rarer slices."""
    positive = x[x > 0]
    if positive.size == 0:
        return np.zeros(x.size, dtype=np.int64)
    ends = np.quantile(positive, CELL_ENDS, method="inverted_cdf")
    return np.where(x > 0, 1 + np.searchsorted(ends, x, side="left"), 0)


def plan(
    stratum: I64, quota: F64 | None = None, *, replications: I64 | None = None, share: F64 | None = None,
    pool: int | None = None,
) -> Plan:  # fmt: skip
    """The order in which strata give their histories: in turns, or each in proportion to its quota.

    Parameters
    ----------
    stratum : (n,) int64
        Stratum of each history that may be run.
    quota : (n_strata,) float64, optional
        After a first turn in which each stratum gives two, its k-th history comes when the part of its quota that is
        used up is the smallest.
    replications : (n,) int64, optional
        Numbers of these histories; 0, 1, ... by default.
    share : (n_strata,) float64, optional
        Probabilities of the strata, counted in ``pool`` histories or exact; by default counted here.
    """
    turn = _turn(stratum)
    used = turn.astype(float) if quota is None else np.where(turn < 2, -1.0, (turn + 0.5) / quota[stratum])
    order = np.lexsort((stratum, used))
    if share is None:
        share, pool = np.bincount(stratum) / stratum.size, stratum.size
    numbers = order if replications is None else replications[order]
    return Plan(numbers, stratum[order], share, pool)


def _turn(stratum: I64) -> I64:
    """How many histories of its stratum come before each one."""
    order = np.argsort(stratum, kind="stable")
    sizes = np.bincount(stratum)
    turn = np.empty(stratum.size, dtype=np.int64)
    turn[order] = np.arange(stratum.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return turn
