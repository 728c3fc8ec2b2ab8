"""The five classes of a loan by days overdue, and what a lender sets aside for each."""

from __future__ import annotations

import numpy as np

from sim.law import Rules
from sim.units import I64, PPM, Array

CLASSES = ("normal", "special_mention", "substandard", "doubtful", "loss")
NORMAL, SPECIAL_MENTION, SUBSTANDARD, DOUBTFUL, LOSS = range(len(CLASSES))


def limits(rules: Rules) -> I64 | None:
    """Days overdue from which a loan is in each class after the first; None where the pack has no classes."""
    days = rules.classes.limits
    return None if days is None else np.array(days, dtype=np.int64)


def class_of(days_overdue: Array, limits: I64) -> I64:
    """Class of loans by days overdue; those not overdue are normal."""
    return np.searchsorted(limits, days_overdue, side="right").astype(np.int64)


def observed_class(rules: Rules) -> int:
    """Class that a loan renewed in distress has at least, while it is under observation."""
    word = rules.classes.restructured_at_least
    return NORMAL if word == "by_days" else CLASSES.index(word)


def provisions(rules: Rules, by_class: Array) -> I64:
    """What must be set aside for balances by class (..., 5) [fen], rounded half up for each class."""
    shares = rules.classes.provisions
    ppm = np.array([round(shares.get(name, 0.0) * PPM) for name in CLASSES], dtype=np.int64)
    out: I64 = ((by_class * ppm + PPM // 2) // PPM).sum(axis=-1)
    return out
